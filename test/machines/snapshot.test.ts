import { isDeepStrictEqual } from 'node:util'
import { createActor } from 'xstate'
import type { AnyActor, EventObject, Snapshot } from 'xstate'
import { describe, expect, test } from 'vitest'
import { compiledStep, stepMachine } from '../../machines/index.ts'
import { subjects, Twins } from './subjects.ts'
import type { Subject } from './subjects.ts'
import { waysToEveryState } from './walk.ts'

type Carry = (snapshot: object) => unknown

const carries: readonly (readonly [string, Carry])[] = [
  ['as it is', (snapshot) => snapshot],
  ['through JSON', (snapshot) => JSON.parse(JSON.stringify(snapshot)) as unknown],
]

function restore(subject: Subject, twins: Twins, carry: Carry): AnyActor {
  const snapshot = carry(subject.compiled.snapshotOf(twins.record)) as Snapshot<unknown>
  return createActor(subject.machine, { snapshot, input: subject.input }).start()
}

// JSON drops what is undefined, so equality here is that of what is defined.
function expectEqual(subject: Subject, actor: AnyActor, twins: Twins): void {
  const { status, value, context, output, error } = actor.getSnapshot()
  const expected = subject.compiled.snapshotOf(twins.record)
  const actual = { status, value, context, output, error, children: {}, historyValue: {} }
  // Most are equal to the letter, and that is seen in a fraction of the time.
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected)
}

describe.each(subjects)('the snapshot of a compiled $name record', (subject) => {
  const ways = waysToEveryState(subject)

  test.each(carries)('restores the real machine in every reachable state, %s', (_, carry) => {
    for (const way of ways) {
      const twins = new Twins(subject).sendAll(way)
      expectEqual(subject, restore(subject, twins, carry), twins)
    }
  })

  test.each(carries)('lets the real machine continue as the compiled one does, %s', (_, carry) => {
    for (const way of ways) {
      const there = new Twins(subject).sendAll(way)
      for (const next of continuations(subject, way)) {
        const twins = there.copy()
        const actor = restore(subject, twins, carry)
        for (const event of next) {
          twins.send(event)
          if (actor.getSnapshot().status === 'active') actor.send(event)
          expectEqual(subject, actor, twins)
        }
      }
    }
  })

  test('resolves to what it restores to, without a look into its values', () => {
    for (const way of ways) {
      const twins = new Twins(subject).sendAll(way)
      const { status, value, context, output, error } = subject.machine.resolveState(
        subject.compiled.snapshotOf(twins.record),
      )
      expect({ status, value, context, output, error, children: {}, historyValue: {} }).toEqual(
        subject.compiled.snapshotOf(twins.record),
      )
    }
  })

  test('is the persisted snapshot of the real machine in every reachable state', () => {
    for (const way of ways) {
      const twins = new Twins(subject).sendAll(way)
      const actor = createActor(subject.machine, { input: subject.input }).start()
      for (const event of way) actor.send(event)
      // XState leaves `output` and `error` out where there are none.
      expect(subject.compiled.snapshotOf(twins.record)).toEqual(actor.getPersistedSnapshot())
    }
  })
})

/** After each event the one that follows it in the list too, so that a continuation goes on beyond one step. */
function continuations(subject: Subject, way: readonly EventObject[]): EventObject[][] {
  const { events } = subject
  return events.map((event, at) => [
    event,
    events[(at + way.length + 1) % events.length]!,
    events[(at * 7 + 3) % events.length]!,
  ])
}

test('a snapshot shares no object with its record but the values in it', () => {
  const record = compiledStep.createRecord({ step: 'FetchProfile' })
  const snapshot = compiledStep.snapshotOf(record)
  compiledStep.transition(record, compiledStep.eventCode.START, { type: 'START', attempt: 1, at: 10 })
  expect(snapshot.context.attempt).toBe(0)
  expect(compiledStep.snapshotOf(record)).not.toBe(compiledStep.snapshotOf(record))
})

test("a snapshot holds the context's fields only, whatever else the record holds", () => {
  class Run {
    state = compiledStep.initial
    readonly step = 'FetchProfile'
    attempt = 0
    startedAt = undefined
    endedAt = undefined
    dueAt = undefined
    output = undefined
    error = undefined
    readonly execution = this
  }
  const snapshot = compiledStep.snapshotOf(new Run())
  expect(snapshot).toStrictEqual(compiledStep.snapshotOf(compiledStep.createRecord({ step: 'FetchProfile' })))
  expect(
    createActor(stepMachine, { snapshot, input: { step: '' } })
      .start()
      .getSnapshot().value,
  ).toBe('pending')
})

// `createActor(machine, { snapshot })` walks all of a snapshot's context in search of actors, and writes what it finds into
// the very objects of the record; `resolveState` does neither.
test("resolving a snapshot leaves a step's output alone, whatever is in it", () => {
  const output: Record<string, unknown> = { looksLikeAnActor: { xstate$$type: 1, id: 'x' } }
  output['itself'] = output
  const record = compiledStep.createRecord({ step: 'FetchProfile' })
  compiledStep.transition(record, compiledStep.eventCode.START, { type: 'START', attempt: 1, at: 10 })
  compiledStep.transition(record, compiledStep.eventCode.SUCCEED, { type: 'SUCCEED', output, at: 20 })
  expect(stepMachine.resolveState(compiledStep.snapshotOf(record)).output).toBe(output)
  expect(output['looksLikeAnActor']).toEqual({ xstate$$type: 1, id: 'x' })
})
