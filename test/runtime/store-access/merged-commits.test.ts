import { expect, test } from 'vitest'
import type { ExecutionCommit, StepRecord } from '../../../src/core/contracts/execution-record.ts'
import { mergedCommits } from '../../../src/runtime/store-access/merged-commits.ts'
import { stepRecord } from '../../../src/testing/conformance/records.ts'

const commitOf = (steps: readonly StepRecord[], more: Partial<ExecutionCommit> = {}): ExecutionCommit => ({
  id: 'b',
  owner: 'me',
  epoch: 1,
  at: 1,
  steps,
  ...more,
})

test('commits of one execution become one, in which the later record and head hold', () => {
  const commits = [
    commitOf([stepRecord('S', { status: 'running' })], {
      head: { ownedMs: 1, status: 'running' },
      consumed: [3],
      awaited: ['one'],
    }),
    commitOf([stepRecord('S', { status: 'completed' })], { id: 'other' }),
    commitOf([stepRecord('S', { status: 'completed' }), stepRecord('S', { item: '1' })], {
      at: 2,
      consumed: [2],
      awaited: ['two'],
    }),
    commitOf([stepRecord('S', { status: 'running' })], { at: 3, head: { ownedMs: 5 } }),
  ]
  const { merged, indexes } = mergedCommits(commits)
  expect(indexes).toEqual([0, 1, 0, 0])
  expect(merged).toEqual([
    commitOf([stepRecord('S', { status: 'completed' }), stepRecord('S', { item: '1' })], {
      at: 3,
      head: { ownedMs: 5, status: 'running' },
      consumed: [3, 2],
      awaited: ['one', 'two'],
    }),
    commits[1],
  ])
})

test('commits of an epoch that is over are in none, whether they came before or after those of the next', () => {
  const commits = [1, 2, 1, 2].map((epoch, index) => commitOf([stepRecord(`S${index}`)], { epoch }))
  const { merged, indexes } = mergedCommits(commits)
  expect(indexes).toEqual([undefined, 0, undefined, 0])
  expect(merged).toEqual([commitOf([stepRecord('S1'), stepRecord('S3')], { epoch: 2, head: undefined })])
})

test('each record of a thousand commits is looked at as often as of two', () => {
  let reads = 0
  const counted = (item: string): StepRecord =>
    Object.defineProperty({ ...stepRecord('S', { item }) }, 'item', { get: () => (reads++, item), enumerable: true })
  const readsOf = (count: number): number => {
    reads = 0
    mergedCommits(Array.from({ length: count }, (_, index) => commitOf([counted(String(index))])))
    return reads / count
  }
  expect(readsOf(1_000)).toBe(readsOf(2))
})
