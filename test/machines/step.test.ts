import { describe, expect, test } from 'vitest'
import { compiledStep } from '../../machines/index.ts'
import type { StepContext, StepEvent } from '../../machines/index.ts'
import { subjects } from './subjects.ts'
import { arrowsOf } from './walk.ts'

function after(...events: StepEvent[]): StepContext & { readonly status: string } {
  const record = compiledStep.createRecord({ step: 'FetchProfile' })
  for (const event of events) {
    expect(compiledStep.transition(record, compiledStep.eventCode[event.type], event)).toBe(true)
  }
  return { ...compiledStep.snapshotOf(record).context, status: compiledStep.states[record.state]! }
}

const arrows = arrowsOf(subjects.find(({ name }) => name === 'step')!)
const error = new Error('no route to host')
const start = { type: 'START', attempt: 1, at: 10 } as const

describe('a step', () => {
  test('completes with its output', () => {
    const step = after(start, { type: 'SUCCEED', output: 'Ada', at: 20 })
    expect(step).toMatchObject({ status: 'completed', output: 'Ada', attempt: 1, startedAt: 10, endedAt: 20 })
  })

  test.each(['FAIL', 'TIME_OUT'] as const)(
    'retries on %s if it is given a time, and remembers the error meanwhile',
    (type) => {
      const step = after(start, { type, error, at: 20, dueAt: 120 })
      expect(step).toMatchObject({ status: 'retrying', error, dueAt: 120, endedAt: undefined })
    },
  )

  test('forgets the error of an earlier attempt when a later one succeeds, and keeps the time of its first start', () => {
    const retry = { type: 'FAIL', error, at: 20, dueAt: 120 } as const
    const step = after(
      start,
      retry,
      { type: 'START', attempt: 2, at: 120 },
      { type: 'SUCCEED', output: 'Ada', at: 130 },
    )
    expect(step).toMatchObject({ status: 'completed', attempt: 2, startedAt: 10, error: undefined, dueAt: undefined })
  })

  test('fails without a retry or a fallback', () => {
    expect(after(start, { type: 'FAIL', error, at: 20 })).toMatchObject({ status: 'failed', error, output: undefined })
  })

  test('completes with its fallback, though that be undefined, and leaves the error to see', () => {
    const fallback = { value: 'stale' }
    const step = after(start, { type: 'TIME_OUT', error, at: 20, fallback })
    expect(step).toMatchObject({ status: 'completed', output: 'stale', error, endedAt: 20 })
    expect(after(start, { type: 'FAIL', error, at: 20, fallback: { value: undefined } }).status).toBe('completed')
  })

  test('prefers a retry to its fallback while it runs', () => {
    const step = after(start, { type: 'FAIL', error, at: 20, dueAt: 120, fallback: { value: 'stale' } })
    expect(step).toMatchObject({ status: 'retrying', output: undefined })
  })

  test('that neither runs nor waits can fail or fall back, but not retry', () => {
    for (const { from, event, to } of arrows) {
      if (event.type !== 'FAIL' || from.status === 'done') continue
      if (from.value === 'running' || from.value === 'waiting') continue
      const hasFallback = 'fallback' in event && event['fallback'] !== undefined
      expect(to.value).toBe(hasFallback ? 'completed' : 'failed')
    }
  })

  test('times out only while it runs or waits', () => {
    for (const { from, event, to } of arrows) {
      if (event.type === 'TIME_OUT' && from.value !== 'running' && from.value !== 'waiting') expect(to).toBe(from)
    }
  })

  test('that is served from a store starts no attempt', () => {
    const step = after({ type: 'CLAIM', at: 5 }, { type: 'HIT', output: 'Ada', at: 6 })
    expect(step).toMatchObject({ status: 'cached', output: 'Ada', attempt: 0, startedAt: undefined, endedAt: 6 })
  })

  test('is skipped only while it is pending', () => {
    for (const { from, event, to } of arrows) {
      if (event.type === 'SKIP') expect(to.value).toBe(from.value === 'pending' ? 'skipped' : from.value)
    }
  })

  test('has a due time while it is retrying, may have one while it waits, and has none else', () => {
    for (const { to } of arrows)
      if (to.value !== 'waiting') expect(to.context.dueAt !== undefined).toBe(to.value === 'retrying')
  })

  test('that waits has begun, and its wait can get another due time', () => {
    const step = after(start, { type: 'WAIT', at: 11, dueAt: 90 }, { type: 'WAIT', at: 12, dueAt: 50 })
    expect(step).toMatchObject({ status: 'waiting', attempt: 1, startedAt: 10, dueAt: 50 })
    for (const { from, event, to } of arrows)
      if (event.type === 'WAIT')
        expect(to.value).toBe(from.value === 'running' || from.value === 'waiting' ? 'waiting' : from.value)
  })

  test('that is skipped may say why', () => {
    expect(after({ type: 'SKIP', error, at: 5 })).toMatchObject({ status: 'skipped', error, attempt: 0, endedAt: 5 })
  })

  test('has a start time if it has had an attempt, and none before the first one has begun', () => {
    for (const { to } of arrows) if (to.context.attempt > 0) expect(to.context.startedAt).toBeDefined()
    for (const { to } of arrows) if (to.value === 'pending') expect(to.context.startedAt).toBeUndefined()
  })

  test('gives the number of an attempt back that does not count, and keeps the time of its first start', () => {
    const step = after(start, { type: 'FAIL', error, at: 20, dueAt: 120, attempt: 0 })
    expect(step).toMatchObject({ status: 'retrying', attempt: 0, startedAt: 10, dueAt: 120 })
  })
})
