import { describe, expect, test } from 'vitest'
import type { Docket } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { pagedStore } from './pages.ts'
import { PausedClock } from './paused-clock.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }
const maxRecoveries = 2

async function recoveriesOf(world: World, id: string): Promise<number | undefined> {
  const [record] = await world.store.get([id])
  return record?.recoveries
}

/** A process that can be cut off from its store for a while: it loses its lease, and lives. */
function fragile(world: World, graph: ReturnType<typeof line>['line'], inner: Store = world.store) {
  const watched = new WatchedStore(inner)
  const docket: Docket = world.process({ graphs: [graph], store: watched.store, maxRecoveries })
  return {
    docket,
    async loseLease() {
      watched.cut()
      await world.clock.advance(6_000)
      watched.mend()
      await world.clock.advance(4_000)
    },
  }
}

describe('a lease that is lost by a process that lives', () => {
  test('is no death of an execution’s owner, however often', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const { docket, loseLease } = fragile(world, graph)
    await docket.start(graph, Third, inputs, { id: 'a' })
    for (let times = 0; times < 5; times++) await loseLease()
    gate.resolve(7)
    const handle = await world.clock.settle(docket.get('a'))
    expect(await world.clock.settle(handle!.result())).toBe(8)
  })

  test('is no death where processes lose it in turns', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const processes = [fragile(world, graph), fragile(world, graph)]
    await processes[0]!.docket.start(graph, Third, inputs, { id: 'a' })
    for (let times = 0; times < 10; times++) await processes[times % 2]!.loseLease()
    expect(await recoveriesOf(world, 'a')).toBeLessThanOrEqual(maxRecoveries)
    gate.resolve(7)
    const handle = await world.clock.settle(processes[0]!.docket.get('a'))
    expect(await world.clock.settle(handle!.result())).toBe(8)
  })

  test.each(['execution', 'batch'])(
    'is no death of the owner of one whose records are being read (%s)',
    async (kind) => {
      const world = new World()
      const gate = door()
      let isDead = false
      const { line: waiting } = line({ third: { run: () => gate.promise } })
      const first = world.mortal({ graphs: [waiting], maxRecoveries })
      const options = { id: 'a' }
      if (kind === 'batch') await first.docket.startBatch(waiting, Third, [inputs, inputs], options)
      else await first.docket.start(waiting, Third, inputs, options)
      await world.clock.advance(10)
      first.die()
      isDead = true
      let reads = 0
      const watched = new WatchedStore(
        pagedStore(world.store, 1, async ({ ids, page }) => {
          if (!isDead || page !== 1 || !ids.includes('a') || ++reads > 5) return
          watched.before = ({ name }) => (name === 'renewOwner' ? new Promise(() => {}) : undefined)
          await world.clock.sleep(6_000)
          watched.mend()
        }),
      )
      const second = world.process({ graphs: [waiting], store: watched.store, maxRecoveries })
      await world.clock.advance(90_000)
      expect(reads).toBeGreaterThan(5)
      // The first process has died indeed.
      expect(await recoveriesOf(world, 'a')).toBe(1)
      gate.resolve(9)
      const handle = await world.clock.settle(second.get('a'))
      expect(await world.clock.settle(handle!.result())).toEqual(kind === 'batch' ? [9, 9] : 9)
    },
  )

  test('is no death of the owner of one whose creation was answered too late', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ first: { run: () => gate.promise } })
    const watched = new WatchedStore(world.store)
    watched.after = async ({ name }) => {
      if (name !== 'create') return
      watched.cut()
      await world.clock.sleep(6_000)
      watched.mend()
    }
    const docket = world.process({ graphs: [graph], store: watched.store, maxRecoveries })
    const handle = await world.clock.settle(docket.start(graph, Third, inputs, { id: 'a' }))
    await world.clock.advance(4_000)
    expect((await handle.details()).lease?.isHere).toBe(true)
    expect(await recoveriesOf(world, 'a')).toBe(0)
    gate.resolve(2)
    expect(await world.clock.settle(handle.result())).toBe(4)
  })

  test('is one of the execution whose step stopped the event loop, and of no other', async () => {
    const world = new World()
    const clock = new PausedClock(world.clock)
    const { line: waiting } = line({ name: 'waiting', first: { run: () => door().promise } })
    const { line: blocking } = line({
      name: 'blocking',
      first: { persist: undefined, run: (value) => world.clock.sleep(10).then(() => value) },
      second: { run: () => door().promise },
    })
    const docket = world.process({ graphs: [waiting, blocking], clock, maxRecoveries })
    await docket.start(waiting, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    await docket.start(blocking, Third, inputs, { id: 'b' })
    for (let times = 0; times < 4; times++) {
      await world.clock.advance(1_000)
      clock.pause()
      await world.clock.advance(20_000)
      await clock.resume()
      await world.clock.advance(5_000)
    }
    const found = (await docket.list()).executions.map(({ id, status }) => [id, status])
    expect(Object.fromEntries(found)).toEqual({ a: 'running', b: 'failed' })
  })
})
