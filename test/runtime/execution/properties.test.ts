import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  dataType,
  ExecutionCancelledError,
  ExecutionTimeoutError,
  step,
  StepError,
  StepTimeoutError,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/core/contracts/events.ts'
import { expectNoUnhandledErrors, run, runBatch } from '../../loose-api.ts'
import { build, leafName, randomGraph, stepName, typeName, valueText } from './random-graphs.ts'
import type { LiveGraph, RandomGraph } from './random-graphs.ts'
import { runReference } from './sequential-reference.ts'
import type { Reference } from './sequential-reference.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'
import { VirtualTime } from '../virtual-time.ts'

// More runs: DOCKET_PROPERTY_RUNS=20000 npx vitest run test/runtime/execution/properties.test.ts
// A failure prints seed and path; put them into `fc.assert(…, { seed, path })` to see it again.
const numRuns = Number(process.env['DOCKET_PROPERTY_RUNS'] ?? 1_500)
const timeout = 20_000 + numRuns * 50

expectNoUnhandledErrors()

type Ended =
  { readonly value: unknown; readonly error?: undefined } | { readonly error: unknown; readonly value?: undefined }

async function endOf(clock: VirtualTime, promise: Promise<unknown>): Promise<Ended> {
  return clock.settle(
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  )
}

const leavesOf = (random: RandomGraph, text: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: random.leaves }, (_, leaf) => [leafName(leaf), `${leafName(leaf)} ${text}`]))

/** The leaves that the target needs: others would be unknown inputs. */
const needed = (live: LiveGraph, leaves: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(live.graph.leaves(live.target as never).map(({ name }) => [name, leaves[name]!]))

test(
  'an execution ends as running its steps one after the other would end, and keeps every promise on the way',
  async () => {
    const choices = fc.record({
      random: randomGraph,
      named: fc.boolean(),
      abortAfter: fc.option(fc.integer({ min: 0, max: 150 }), { nil: undefined, freq: 3 }),
      timeout: fc.option(fc.constantFrom(20, 90), { nil: undefined, freq: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(choices, async ({ random, named, abortAfter, timeout }) => {
        const clock = new VirtualTime()
        const live = build(random, clock)
        const leaves = leavesOf(random, 'value')
        const reference = runReference(random, leaves)
        const events: ExecutionEvent[] = []
        const controller = new AbortController()
        const reason = new Error('enough')
        const id = named ? `execution of ${live.graph.name}` : undefined
        const options = {
          clock,
          id,
          timeout,
          signal: controller.signal,
          observers: [(event: ExecutionEvent) => void events.push(event)],
        }
        const ending = endOf(clock, run(live.graph, live.target, needed(live, leaves), options))
        if (abortAfter !== undefined) clock.setTimeout(() => controller.abort(reason), abortAfter + 0.1)
        const end = await ending
        const calls = live.calls.length

        if (end.error instanceof ExecutionCancelledError)
          expect([abortAfter !== undefined, end.error.cause]).toEqual([true, reason])
        else if (end.error instanceof ExecutionTimeoutError) expect(timeout).toBeDefined()
        else checkEnd(random, live, reference, end)
        checkCalls(random, live, reference)
        checkEvents(events, live, false)
        await clock.advance(1_000_000)
        expect(live.calls.length, 'no step starts after the end').toBe(calls)
        expect(clock.pending, 'no timer stays behind').toBe(0)

        if (end.error !== undefined || end.value === undefined) return
        const remembered = [...reference.outcomes].filter(([index, outcome]) => {
          const { persist } = random.steps[index]!
          return (
            outcome.kind === 'value' &&
            !outcome.fellBack &&
            (persist === 'global' || (persist === 'execution' && named))
          )
        })
        const again = await endOf(clock, run(live.graph, live.target, needed(live, leaves), { clock, id }))
        expect(again).toEqual(end)
        const second = new Set(live.calls.slice(calls).map((call) => call.step))
        // Whatever nobody waited for any more in the first run may not have been computed there.
        const computed = new Set(
          events.flatMap((event) => (event.type === 'step.ended' && event.status === 'completed' ? [event.step] : [])),
        )
        for (const [index] of remembered)
          if (computed.has(stepName(index))) expect(second, 'remembered').not.toContain(index)
      }),
      { numRuns },
    )
  },
  timeout,
)

/** The end is one that the reference allows, and a failure tells the truth. */
function checkEnd(random: RandomGraph, live: LiveGraph, reference: Reference, end: Ended): void {
  if ('value' in end) {
    expect(end.value).toBe(reference.value)
    if (!reference.isOpen) expect(reference.deadly.size).toBe(0)
    return
  }
  const error = end.error as StepError
  expect(error).toBeInstanceOf(StepError)
  const index = random.steps.findIndex((_, at) => stepName(at) === error.step)
  expect(reference.deadly).toContain(index)
  const outcome = reference.outcomes.get(index)!
  if (outcome.kind !== 'failed') expect.unreachable()
  else {
    expect(error.attempt).toBe(outcome.attempts)
    if (outcome.timedOut) expect(error.cause).toBeInstanceOf(StepTimeoutError)
    else
      expect(
        live.thrown.get(valueText(index, outcome.inputs))!.some((thrown) => Object.is(thrown, error.cause)),
        'the cause itself',
      ).toBe(true)
  }
  expect(error.path[0]).toBe(typeName(random.steps.length - 1))
  expect(error.path.at(-1)).toBe(typeName(index))
  for (const [at, name] of error.path.slice(1).entries()) {
    const above = random.steps[Number(error.path[at]!.slice('Type'.length))]!
    expect(above.ports.map(({ from }) => ('step' in from ? typeName(from.step) : ''))).toContain(name)
  }
}

/** Each step ran at most once an attempt, with the inputs of the reference, attempts in order and no more than allowed. */
function checkCalls(random: RandomGraph, live: LiveGraph, reference: Reference): void {
  const attempts = new Map<number, number>()
  for (const { step, attempt, inputs } of live.calls) {
    expect(attempt).toBe((attempts.get(step) ?? 0) + 1)
    expect(attempt).toBeLessThanOrEqual(random.steps[step]!.maxAttempts)
    attempts.set(step, attempt)
    const outcome = reference.outcomes.get(step)
    if (outcome === undefined || outcome.kind === 'skipped') expect.unreachable('a step ran that must not')
    else {
      expect(attempt).toBeLessThanOrEqual(outcome.attempts)
      // Values tell what they were made of: with the right ones, every dependency ran before.
      expect(inputs).toEqual(outcome.inputs)
    }
  }
}

/**
 * Events are numbered without gaps, and each step's are in order: started, attempts, one end. `mayAdopt` where an item may
 * take over the attempt of an equal one that has failed.
 */
function checkEvents(events: readonly ExecutionEvent[], live: LiveGraph, mayAdopt: boolean): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(events[0]!.type).toBe('execution.started')
  expect(events.at(-1)!.type).toBe('execution.ended')
  expect(events.filter(({ type }) => type.startsWith('execution.')).length).toBe(2)
  const steps = new Map<string, { isOpen: boolean; running: boolean; attempts: number }>()
  for (const event of events) {
    if (!('step' in event)) continue
    const key = `${event.step}/${event.item ?? ''}`
    const known = steps.get(key)
    if (event.type === 'step.started') {
      expect(known, `${key} starts once`).toBeUndefined()
      steps.set(key, { isOpen: true, running: false, attempts: 0 })
    } else if (event.type === 'step.cancelled' && event.status === 'skipped') {
      expect(known, `${key} is skipped, or starts`).toBeUndefined()
      steps.set(key, { isOpen: false, running: false, attempts: 0 })
    } else {
      expect(known?.isOpen, `${event.type} of ${key} between its start and its end`).toBe(true)
      if (event.type === 'step.ended' || event.type === 'step.cancelled') {
        known!.isOpen = false
        // What was tried for an equal call that was cancelled counts.
        if (mayAdopt) expect(event.attempt).toBeGreaterThanOrEqual(known!.attempts)
        else expect(event.attempt).toBe(known!.attempts)
      } else if (event.type === 'attempt.started') {
        expect(known!.running).toBe(false)
        if (mayAdopt) expect(event.attempt).toBeGreaterThan(known!.attempts)
        else expect(event.attempt).toBe(known!.attempts + 1)
        known!.running = true
        known!.attempts = event.attempt
      } else if (event.type === 'attempt.failed') {
        expect([known!.running, event.attempt]).toEqual([true, known!.attempts])
        known!.running = false
      }
    }
  }
  for (const [key, { isOpen }] of steps) expect(isOpen, `${key} ended`).toBe(false)
  const begun = events.filter(({ type }) => type === 'attempt.started').length
  if (mayAdopt) expect(begun).toBeGreaterThanOrEqual(live.calls.length)
  else expect(begun).toBe(live.calls.length)
}

test('of a burst of thousands of steps, none starts after one has failed', async () => {
  const Id = dataType('Id', type<number>())
  const types = Array.from({ length: 5_000 }, (_, at) => dataType(typeName(at), type<number>()))
  const cause = new Error('the first one fails')
  let started = 0
  const steps = types.map((output, at) =>
    step({
      name: stepName(at),
      inputs: { id: Id },
      output,
      run: async () => {
        started++
        if (at === 0) throw cause
        return at
      },
    }),
  )
  const Last = dataType('Last', type<number>())
  const ports = Object.fromEntries(types.map((each, at) => [`p${at}`, each]))
  const last = step({ name: 'Last', inputs: ports, output: Last, run: () => 0 })
  const burst = untypedGraph({ name: 'burst', steps: [...steps, last] })
  let atEnd = 0
  await expect(run(burst, Last, { Id: 1 }).finally(() => (atEnd = started))).rejects.toMatchObject({ cause })
  await flush()
  expect(started).toBe(atEnd)
})

test(
  'a batch gives for each item what running its steps one after the other would give',
  async () => {
    const choices = fc.record({
      random: randomGraph,
      items: fc.integer({ min: 0, max: 8 }),
      concurrency: fc.constantFrom(1, 2, 3, Infinity),
      onError: fc.constantFrom('fail', 'collect'),
      sharesFirst: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(choices, async ({ random, items, concurrency, onError, sharesFirst }) => {
        const clock = new VirtualTime()
        const live = build(random, clock)
        const isSharedLeaf = (name: string): boolean => sharesFirst && name === leafName(0)
        const inputs = Array.from({ length: items }, (_, item) => ({
          ...leavesOf(random, `of ${item}`),
          ...(sharesFirst ? { [leafName(0)]: 'shared' } : {}),
        }))
        const given = inputs.map((leaves) =>
          Object.fromEntries(Object.entries(needed(live, leaves)).filter(([name]) => !isSharedLeaf(name))),
        )
        const shared = Object.fromEntries(
          Object.entries(needed(live, leavesOf(random, ''))).flatMap(([name]) =>
            isSharedLeaf(name) ? [[name, 'shared']] : [],
          ),
        )
        const references = inputs.map((leaves) => runReference(random, leaves))
        const events: ExecutionEvent[] = []
        const options = {
          clock,
          concurrency,
          onError,
          shared,
          observers: [(event: ExecutionEvent) => void events.push(event)],
        }
        const end = await endOf(clock, runBatch(live.graph, live.target, given, options))
        const calls = live.calls.length

        if (end.error === undefined) {
          const outcomes = (end.value as unknown[]).map((outcome): Ended =>
            onError === 'fail' ? { value: outcome } : (outcome as Ended),
          )
          expect(outcomes.length).toBe(items)
          for (const [item, outcome] of outcomes.entries()) checkEnd(random, live, references[item]!, outcome)
        } else {
          const { item } = end.error as StepError
          checkEnd(random, live, references[item ?? 0]!, end)
          if (onError === 'collect') {
            const index = random.steps.findIndex((_, at) => stepName(at) === (end.error as StepError).step)
            expect(references[item ?? 0]!.outcomes.get(index)).toMatchObject({ aborts: true })
          }
        }
        if (items > 0)
          checkEvents(
            events,
            live,
            random.steps.some(({ persist }) => persist !== undefined),
          )
        expect(new Set(live.calls.map(({ executionId }) => executionId)).size).toBeLessThanOrEqual(1)
        await clock.advance(1_000_000)
        expect(live.calls.length, 'no step starts after the end').toBe(calls)
        expect(clock.pending, 'no timer stays behind').toBe(0)
      }),
      { numRuns },
    )
  },
  timeout,
)
