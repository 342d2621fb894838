import { describe, expect, test } from 'vitest'
import { compiledBatch, compiledExecution } from '../../machines/index.ts'
import type { BatchEvent, ExecutionEvent } from '../../machines/index.ts'

const error = new Error('no route to host')

function execution(...events: ExecutionEvent[]) {
  const record = compiledExecution.createRecord({ executionId: 'e-1', target: 'EnrichedUser', total: 3 })
  const taken = events.map((event) =>
    compiledExecution.transition(record, compiledExecution.eventCode[event.type], event),
  )
  return { ...record, status: compiledExecution.states[record.state], taken }
}

function batch(...events: BatchEvent[]) {
  const record = compiledBatch.createRecord({ executionId: 'e-1', target: 'EnrichedUser' })
  const taken = events.map((event) => compiledBatch.transition(record, compiledBatch.eventCode[event.type], event))
  return { ...record, status: compiledBatch.states[record.state], taken }
}

describe('an execution', () => {
  test('counts the steps that have ended, and ends with its output', () => {
    const ended = execution(
      { type: 'START', at: 1 },
      { type: 'PROGRESS', settled: 3 },
      { type: 'SUCCEED', output: 'Ada', at: 2 },
    )
    expect(ended).toMatchObject({ status: 'completed', settled: 3, output: 'Ada', startedAt: 1, endedAt: 2 })
  })

  test('with bad input fails without having started', () => {
    expect(execution({ type: 'FAIL', error, at: 1 })).toMatchObject({ status: 'failed', error, startedAt: undefined })
  })

  test('that has not started can neither succeed nor time out', () => {
    const pending = execution({ type: 'SUCCEED', output: 1, at: 1 }, { type: 'TIME_OUT', error, at: 1 })
    expect(pending).toMatchObject({ status: 'pending', taken: [false, false], output: undefined, error: undefined })
  })

  test('waits until something goes on, and can be ended while it does', () => {
    const waiting = [
      { type: 'START', at: 1 },
      { type: 'WAIT', at: 2 },
    ] as const
    expect(execution(...waiting)).toMatchObject({ status: 'waiting', startedAt: 1, endedAt: undefined })
    expect(execution(...waiting, { type: 'GO_ON', at: 3 }).status).toBe('running')
    expect(execution(...waiting, { type: 'CANCEL', error, at: 3 }).status).toBe('cancelled')
    expect(execution(...waiting, { type: 'SUCCEED', output: 1, at: 3 }).taken).toEqual([true, true, false])
  })

  test.each([[], [{ type: 'WAIT', at: 2 }]] as const)(
    'that failed shows with what while it is compensating, goes on with nothing, and ends after that',
    (...before) => {
      const failed = [{ type: 'START', at: 1 }, ...before, { type: 'COMPENSATE', error, at: 2 }] as const
      expect(execution(...failed)).toMatchObject({ status: 'compensating', error, endedAt: undefined })
      for (const type of ['WAIT', 'GO_ON', 'START'] as const)
        expect(execution(...failed, { type, at: 3 }).status).toBe('compensating')
      expect(execution(...failed, { type: 'SUCCEED', output: 1, at: 3 })).toMatchObject({
        status: 'compensating',
        output: undefined,
      })
      expect(execution(...failed, { type: 'FAIL', error, at: 3 })).toMatchObject({ status: 'failed', endedAt: 3 })
      expect(execution(...failed, { type: 'CANCEL', error, at: 3 }).status).toBe('cancelled')
    },
  )

  test('that times out has failed', () => {
    expect(execution({ type: 'START', at: 1 }, { type: 'TIME_OUT', error, at: 2 })).toMatchObject({
      status: 'failed',
      error,
    })
  })
})

describe('a batch', () => {
  test('counts its items as they start and end', () => {
    const running = batch(
      { type: 'START', at: 1 },
      { type: 'ITEM_START' },
      { type: 'ITEM_START' },
      { type: 'ITEM_SUCCEED' },
      { type: 'ITEM_FAIL', error },
    )
    expect(running).toMatchObject({ status: 'running', started: 2, succeeded: 1, failed: 1 })
  })

  test('with failed items can complete, and has no error then', () => {
    const ended = batch({ type: 'START', at: 1 }, { type: 'ITEM_FAIL', error }, { type: 'SUCCEED', at: 2 })
    expect(ended).toMatchObject({ status: 'completed', failed: 1, error: undefined, endedAt: 2 })
  })

  test('knows how many items it has once the last has been read', () => {
    expect(batch({ type: 'START', at: 1 })).toHaveProperty('total', undefined)
    expect(batch({ type: 'START', at: 1 }, { type: 'CLOSE', total: 7 })).toHaveProperty('total', 7)
  })

  test('that failed begins and counts no items while it is compensating', () => {
    const failed = [{ type: 'START', at: 1 }, { type: 'ITEM_START' }, { type: 'COMPENSATE', error, at: 2 }] as const
    expect(batch(...failed, { type: 'ITEM_START' }, { type: 'ITEM_SUCCEED' })).toMatchObject({
      status: 'compensating',
      started: 1,
      succeeded: 0,
      error,
    })
    expect(batch(...failed, { type: 'FAIL', error, at: 3 })).toMatchObject({ status: 'failed', endedAt: 3 })
  })

  test('reads no items before it starts', () => {
    expect(batch({ type: 'ITEM_START' }, { type: 'CLOSE', total: 7 })).toMatchObject({
      taken: [false, false],
      started: 0,
    })
  })
})
