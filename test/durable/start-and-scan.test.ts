import { expect, test } from 'vitest'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

test('a call that meets this process’s own scan counts the attempt that the last owner died of', async () => {
  const world = new World()
  const attempts: number[] = []
  const { line: graph } = line({
    second: {
      retry: { maxAttempts: 3 },
      run: (value, { attempt }) => {
        attempts.push(attempt)
        return attempts.length === 1 ? new Promise<number>(() => {}) : value + 1
      },
    },
  })
  const { docket, die } = world.mortal({ graphs: [graph] })
  await docket.start(graph, Third, { Seed: 1 }, { id: 'a' })
  await world.clock.advance(100)
  die()
  await world.clock.advance(10_000)
  const watched = new WatchedStore(world.store)
  watched.before = async ({ name }) => {
    if (name === 'create') await world.clock.sleep(50)
  }
  const survivor = world.process({ graphs: [graph], store: watched.store })
  const result = survivor.execute(graph, Third, { Seed: 1 }, { id: 'a' })
  expect(await world.clock.settle(result)).toBe(4)
  expect(attempts).toEqual([1, 2])
})

test('a call that loses what it goes on with, before anything of it has begun, finds it again', async () => {
  const world = new World()
  let attempts = 0
  const { line: graph } = line({
    second: { run: (value) => (attempts++ === 0 ? new Promise<number>(() => {}) : value + 1) },
  })
  let isLost = false
  let refused = 0
  const store = alteredStore(world.store, (method, ask, given) => {
    if (method === 'renewOwner' && isLost) {
      isLost = false
      return Promise.resolve(false)
    }
    // As a store does with what somebody has whose lease is over.
    const head = method === 'commit' ? (given[0] as readonly ExecutionCommit[])[0]?.head : undefined
    if (head?.recoveries === undefined || head.status !== undefined || refused > 0) return ask()
    refused++
    return Promise.resolve([false])
  })
  const docket = world.process({ graphs: [graph], store, takeOver: false })
  const lost = await world.clock.settle(docket.start(graph, Third, { Seed: 1 }, { id: 'a' }))
  lost.result().catch(() => {})
  await world.clock.advance(100)
  isLost = true
  await world.clock.advance(30_000)
  expect(await world.clock.settle(docket.execute(graph, Third, { Seed: 1 }, { id: 'a' }))).toBe(4)
  expect(refused).toBe(1)
})
