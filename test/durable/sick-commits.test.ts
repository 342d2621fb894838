import { expect, test } from 'vitest'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { outage, WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

test('commits of one turn do not wait together: those that fail for a passing reason are kept apart from the others', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const gate = door<void>()
  const { line: graph, runs } = line({ first: { run: (value) => gate.promise.then(() => value + 1) } })
  const docket = world.process({ graphs: [graph], store: watched.store })
  let isSick = true
  watched.before = (call) => {
    const commits = call.name === 'commit' ? (call.given[0] as readonly ExecutionCommit[]) : []
    if (isSick && commits.some(({ id, steps }) => id.startsWith('sick') && steps.length > 0)) throw outage()
  }
  const healthy = Array.from({ length: 40 }, (_, index) => `healthy ${index}`)
  const run = (id: string) => docket.execute(graph, Third, inputs, { id })
  const sick = ['sick 1', 'sick 2', 'sick 3']
  const waiting = Promise.all(sick.slice(0, 1).map(run))
  const others = Promise.all(healthy.slice(0, 20).map(run))
  const more = Promise.all(sick.slice(1).map(run))
  const rest = Promise.all(healthy.slice(20).map(run))
  await world.clock.advance(10)
  gate.resolve()
  expect(await world.clock.settle(Promise.all([others, rest]))).toEqual([Array(20).fill(4), Array(20).fill(4)])
  const unfinished = (await docket.list({ status: 'running' })).executions.map(({ id }) => id)
  expect(unfinished.toSorted()).toEqual(sick)
  isSick = false
  expect(await world.clock.settle(Promise.all([waiting, more]))).toEqual([[4], [4, 4]])
  expect(runs.filter((name) => name === 'Second')).toHaveLength(43)
})
