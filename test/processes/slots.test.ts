import { describe, expect, test, vi } from 'vitest'
import { placeMaker, storeKinds } from './place.ts'
import type { Place } from './place.ts'
import { startProcess } from './processes.ts'
import { relay, Second } from './relay.ts'

const newPlace = await placeMaker()
const patience = { timeout: 25_000, interval: 50 }

/** Writes executions that no process has begun, as `start` within transactions does. */
async function leaveWaiting(place: Place, count: number): Promise<void> {
  const { relay: graph } = relay()
  const { docket } = startProcess(place, { graphs: [graph], takeOver: false })
  await docket.execute(graph, Second, { Seed: 1 }, { id: 'model' })
  const store = place.createStore()
  await store.open()
  const [model] = await store.get(['model'])
  const waiting = { ...model!, owner: undefined, startedAt: undefined }
  await store.create(Array.from({ length: count }, (_, index) => ({ ...waiting, id: `waiting-${index}` })))
  await store.close()
}

describe.each(storeKinds)('on %s', (kind) => {
  test('executions whose first steps keep the event loop for longer than the lease in all are worked off by one process', async () => {
    const place = await newPlace(kind)
    await leaveWaiting(place, 60)
    const { relay: busy } = relay({
      first: (value) => {
        for (const until = performance.now() + 25; performance.now() < until;);
        return value + 1
      },
    })
    const { docket } = startProcess(place, { graphs: [busy] })
    await vi.waitFor(async () => {
      const { executions } = await docket.list({ status: 'completed', limit: 100 })
      expect(executions).toHaveLength(61)
    }, patience)
  })

  test('of what waits, each of two workers runs as many as it has slots, and none is run twice', async () => {
    const place = await newPlace(kind)
    await leaveWaiting(place, 40)
    const workers = Array.from({ length: 2 }, () => {
      const seen = { now: 0, most: 0, all: 0 }
      const { relay: slow } = relay({
        second: async (value) => {
          seen.most = Math.max(seen.most, ++seen.now)
          seen.all++
          await new Promise((resolve) => setTimeout(resolve, 150))
          seen.now--
          return value + 1
        },
      })
      return { seen, ...startProcess(place, { graphs: [slow], work: { default: 4 }, lease: '10s' }) }
    })
    await vi.waitFor(async () => {
      const { executions } = await workers[0]!.docket.list({ status: 'completed', limit: 100 })
      expect(executions).toHaveLength(41)
    }, patience)
    for (const { seen } of workers) {
      expect(seen.most).toBe(4)
      expect(seen.all).toBeGreaterThan(4)
    }
    expect(workers.reduce((sum, { seen }) => sum + seen.all, 0)).toBe(40)
  })
})
