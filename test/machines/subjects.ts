import { isDeepStrictEqual } from 'node:util'
import { initialTransition, transition } from 'xstate'
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate'
import { expect } from 'vitest'
import { batchMachine, compiledBatch, compiledExecution, compiledStep } from '../../machines/index.ts'
import { executionMachine, stepMachine } from '../../machines/index.ts'
import type { BatchEvent, CompiledMachine, ExecutionEvent, MachineRecord, StepEvent } from '../../machines/index.ts'

/** Prints with every failure; `SEED=… vitest run` repeats one. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

/** A machine, its compiled form, and events enough to take every one of its transitions. */
export interface Subject {
  readonly name: string
  readonly machine: AnyStateMachine
  readonly compiled: AnyCompiled
  readonly input: unknown
  readonly events: readonly EventObject[]
  /** Where a walk stops: counters would never. */
  readonly isFar: (context: Record<string, number>) => boolean
}

type AnyCompiled = CompiledMachine<object, EventObject, string, unknown>

const failure = { error: { message: 'no route to host' }, at: 30 }
const failures = [
  failure,
  { ...failure, dueAt: 40 },
  { ...failure, dueAt: 45, attempt: 0 },
  { ...failure, fallback: { value: 'stale' } },
  { ...failure, fallback: { value: undefined } },
  { ...failure, dueAt: 50, fallback: { value: 'stale' } },
  { ...failure, dueAt: undefined, fallback: undefined },
]

const stepEvents: readonly StepEvent[] = [
  { type: 'CLAIM', at: 1 },
  { type: 'QUEUE', at: 2 },
  { type: 'START', attempt: 1, at: 10 },
  { type: 'START', attempt: 2, at: 20 },
  { type: 'WAIT', at: 11, dueAt: 90 },
  { type: 'WAIT', at: 12, dueAt: undefined },
  { type: 'GO_ON', at: 13 },
  { type: 'HIT', output: { name: 'Ada' }, at: 60 },
  { type: 'SUCCEED', output: { name: 'Bob' }, at: 61 },
  ...failures.map((payload) => ({ type: 'FAIL' as const, ...payload })),
  ...failures.map((payload) => ({ type: 'TIME_OUT' as const, ...payload, error: { message: 'too slow' } })),
  { type: 'CANCEL', error: { message: 'enough' }, at: 70 },
  { type: 'SKIP', error: undefined, at: 71 },
  { type: 'SKIP', error: { message: 'not today' }, at: 72 },
]

const executionEvents: readonly ExecutionEvent[] = [
  { type: 'START', at: 1 },
  { type: 'PROGRESS', settled: 1 },
  { type: 'PROGRESS', settled: 3 },
  { type: 'WAIT', at: 4 },
  { type: 'GO_ON', at: 5 },
  { type: 'SUCCEED', output: { name: 'Ada' }, at: 60 },
  { type: 'COMPENSATE', error: { message: 'no route to host' }, at: 61 },
  { type: 'FAIL', error: { message: 'no route to host' }, at: 61 },
  { type: 'TIME_OUT', error: { message: 'too slow' }, at: 62 },
  { type: 'CANCEL', error: { message: 'enough' }, at: 63 },
  { type: 'RELEASE', error: { message: 'closed' }, cause: 'close', at: 64 },
]

const batchEvents: readonly BatchEvent[] = [
  { type: 'START', at: 1 },
  { type: 'ITEM_START' },
  { type: 'ITEM_SUCCEED' },
  { type: 'ITEM_FAIL', error: { message: 'no route to host' } },
  { type: 'CLOSE', total: 2 },
  { type: 'SUCCEED', at: 60 },
  { type: 'COMPENSATE', error: { message: 'no route to host' }, at: 61 },
  { type: 'FAIL', error: { message: 'no route to host' }, at: 61 },
  { type: 'TIME_OUT', error: { message: 'too slow' }, at: 62 },
  { type: 'CANCEL', error: { message: 'enough' }, at: 63 },
  { type: 'RELEASE', error: { message: 'closed' }, cause: 'close', at: 64 },
]

export const subjects: readonly Subject[] = [
  {
    name: 'step',
    machine: stepMachine,
    compiled: compiledStep as unknown as AnyCompiled,
    input: { step: 'FetchProfile' },
    events: stepEvents,
    isFar: () => false,
  },
  {
    name: 'execution',
    machine: executionMachine,
    compiled: compiledExecution as unknown as AnyCompiled,
    input: { executionId: 'e-1', target: 'EnrichedUser', total: 3 },
    events: executionEvents,
    isFar: () => false,
  },
  {
    name: 'batch',
    machine: batchMachine,
    compiled: compiledBatch as unknown as AnyCompiled,
    input: { executionId: 'e-1', target: 'EnrichedUser' },
    events: batchEvents,
    isFar: ({ started = 0, succeeded = 0, failed = 0 }) => Math.max(started, succeeded, failed) > 1,
  },
]

/** The same machine twice: as XState runs it, and compiled. Every event goes to both, and they must stay equal. */
export class Twins {
  readonly #subject: Subject
  readonly record: MachineRecord<object>
  snapshot: AnyMachineSnapshot

  constructor(subject: Subject, from?: Twins) {
    this.#subject = subject
    this.record = from === undefined ? subject.compiled.createRecord(subject.input) : { ...from.record }
    this.snapshot = from?.snapshot ?? (initialTransition(subject.machine, subject.input)[0] as AnyMachineSnapshot)
    this.#expectEqual()
  }

  /** The same twins once more, where they are now. */
  copy(): Twins {
    return new Twins(this.#subject, this)
  }

  /** Whether both took the event. */
  send(event: EventObject): boolean {
    const { compiled, machine } = this.#subject
    const before = { ...this.record }
    const expected = this.snapshot.can(event)
    const hasMoved = compiled.transition(this.record, compiled.eventCode[event.type]!, event)
    this.snapshot = transition(machine, this.snapshot, event)[0] as AnyMachineSnapshot
    if (hasMoved !== expected) expect(hasMoved, `${event.type} in ${compiled.states[before.state]}`).toBe(expected)
    if (!hasMoved) expectSame(this.record, before)
    this.#expectEqual()
    return hasMoved
  }

  sendAll(events: readonly EventObject[]): this {
    for (const event of events) this.send(event)
    return this
  }

  #expectEqual(): void {
    const { status, value, context, output, error } = this.snapshot
    const compiled = this.#subject.compiled.snapshotOf(this.record)
    expectSame(compiled, { status, value, context, output, error, children: {}, historyValue: {} })
    expectSame(this.#subject.compiled.isFinal[this.record.state], status === 'done')
  }
}

/** As `toStrictEqual`, which takes many times as long: hundreds of thousands are compared, and mostly they are equal. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected)
}
