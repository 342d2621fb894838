import { expect, test } from 'vitest'
import { changedStep, withRow } from '../../../src/inspector/page/connection/applied-steps.ts'
import { ago, stepView } from './step-views.ts'

test('what happens to a step ends what it was at, and leaves the times of its life', () => {
  const endedAt = ago(1)
  const waiting = { ...stepView('Ask'), status: 'waiting', waitsFor: 'a signal', dueAt: ago(0), startedAt: ago(9_000) }
  const failed = changedStep(waiting, { step: 'Ask', status: 'failed', attempt: 1, endedAt })
  expect(failed).toMatchObject({ status: 'failed', startedAt: waiting.startedAt, endedAt })
  expect([failed.waitsFor, failed.dueAt]).toEqual([undefined, undefined])
  const again = changedStep(
    { ...failed, error: { name: 'Error', message: 'no' } },
    { step: 'Ask', status: 'running', attempt: 2 },
  )
  expect([again.error, again.endedAt, again.startedAt]).toEqual([undefined, undefined, waiting.startedAt])
})

test('an execution that goes on again has none of how it ended', () => {
  const row = { id: 'x', graph: 'g', target: 'T', status: 'running', queue: 'q', createdAt: ago(9), incompatible: [] }
  const ended = { ...row, status: 'failed', endedAt: ago(1), owner: 'one', error: { name: 'Error', message: 'no' } }
  expect(withRow(ended, row)).toEqual(row)
})
