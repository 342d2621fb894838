import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { ExecutionCancelledError } from '../../src/index.ts'
import { spawnWorker } from './child-worker.ts'
import { Approval, approvals, Shipment } from './approvals.ts'
import { placeMaker, sqlKinds, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'
import { First, relay, Second, untilAborted } from './relay.ts'
import { shiftedClock } from './shifted-clock.ts'

const newPlace = await placeMaker()
const patience = { timeout: 15_000, interval: 50 }
const inputs = { Seed: 1 }

/** Blocks the event loop. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe.each(storeKinds)('two processes on %s', (kind) => {
  test('one whose connection is cut is replaced, and what it did is not done again', async () => {
    const place = await newPlace(kind)
    const doomed = relay({ second: () => new Promise(() => {}) })
    const first = startProcess(place, { graphs: [doomed.relay] })
    await first.docket.start(doomed.relay, Second, inputs, { id: 'a' })
    await vi.waitFor(() => expect(doomed.runs).toContain('a Second'), patience)
    const healthy = relay()
    const second = startProcess(place, { graphs: [healthy.relay] })
    const handle = await vi.waitFor(async () => (await second.docket.get('a'))!, patience)
    first.die()
    expect(await handle.result()).toBe(3)
    expect(healthy.runs).toEqual(['a Second'])
    expect(second.events.filter(({ type }) => type === 'execution.resumed')).toMatchObject([{ after: 'death' }])
  })

  test('one that is killed is replaced, in any time zone, and what it did is not done again', async () => {
    const place = await newPlace(kind)
    const order = { address: place.address, id: 'a', secondMs: 60_000 }
    const worker = spawnWorker(order, { TZ: 'Pacific/Apia' })
    await worker.said('began Second')
    const startedAt = Date.now()
    worker.kill()
    await worker.exit
    const healthy = relay()
    const { docket } = startProcess(place, { graphs: [healthy.relay] })
    expect(await (await docket.get('a'))!.result()).toBe(3)
    expect(healthy.runs).toEqual(['a Second'])
    const { createdAt, steps } = await (await docket.get('a'))!.details()
    for (const at of [createdAt, steps[0]!.endedAt!]) {
      expect(at.getTime()).toBeGreaterThan(startedAt - 120_000)
      expect(at.getTime()).toBeLessThan(Date.now() + 1)
    }
  })

  test('one that is killed leaves the values that it was given in the place of steps', async () => {
    const place = await newPlace(kind)
    const overrides = { First: 41 }
    const worker = spawnWorker({ address: place.address, id: 'a', secondMs: 60_000, overrides })
    await worker.said('began Second')
    worker.kill()
    await worker.exit
    const healthy = relay()
    const { docket } = startProcess(place, { graphs: [healthy.relay] })
    const handle = (await docket.get('a'))!
    expect(await handle.result()).toBe(42)
    expect(healthy.runs).toEqual(['a Second'])
    expect(await handle.details()).toMatchObject({ inputs: {}, overrides })
    // Its id stands for them, too.
    expect(await docket.execute(healthy.relay, Second, {}, { id: 'a', overrides })).toBe(42)
    await expect(docket.execute(healthy.relay, Second, { Seed: 1 }, { id: 'a' })).rejects.toThrow('with other inputs')
  })

  test('the same id at once from both runs once, and both get the value', async () => {
    const place = await newPlace(kind)
    const one = relay()
    const other = relay()
    const dockets = [one, other].map(({ relay: graph }) => ({ graph, ...startProcess(place, { graphs: [graph] }) }))
    const values = await Promise.all(
      dockets.flatMap(({ docket, graph }) =>
        ['a', 'b', 'c', 'd'].map((id) => docket.execute(graph, Second, inputs, { id })),
      ),
    )
    expect(values).toEqual(Array.from({ length: 8 }, () => 3))
    const runs = [...one.runs, ...other.runs]
    expect(runs.toSorted()).toEqual(['a', 'b', 'c', 'd'].flatMap((id) => [`${id} First`, `${id} Second`]))
  })

  test('a global result runs once over both, and whoever waits is woken', async () => {
    const place = await newPlace(kind)
    const { promise, resolve } = Promise.withResolvers<number>()
    const maker = relay({ scope: 'global', first: () => promise })
    const waiter = relay({ scope: 'global' })
    const first = startProcess(place, { graphs: [maker.relay] }).docket
    const second = startProcess(place, { graphs: [waiter.relay] }).docket
    const making = first.execute(maker.relay, First, inputs, { id: 'a' })
    await vi.waitFor(() => expect(maker.runs).toEqual(['a First']), patience)
    const waiting = second.execute(waiter.relay, First, inputs, { id: 'b' })
    await sleep(300)
    resolve(42)
    expect(await making).toBe(42)
    const madeAt = performance.now()
    expect(await waiting).toBe(42)
    // Generous: what is told comes at once, and who is not told looks four times a second.
    expect(performance.now() - madeAt).toBeLessThan(5_000)
    expect(waiter.runs).toEqual([])
  })

  test('one cancels what runs in the other', async () => {
    const place = await newPlace(kind)
    const hanging = relay({ second: untilAborted })
    const { docket } = startProcess(place, { graphs: [hanging.relay] })
    const other = startProcess(place, { graphs: [relay().relay] }).docket
    const handle = await docket.start(hanging.relay, Second, inputs, { id: 'a' })
    await vi.waitFor(() => expect(hanging.runs).toContain('a Second'), patience)
    const outcome = handle.result().catch((error: unknown) => error)
    const elsewhere = (await other.get('a'))!.result().catch((error: unknown) => error)
    await other.cancel('a')
    expect(await outcome).toBeInstanceOf(ExecutionCancelledError)
    expect(await elsewhere).toMatchObject({ name: 'ExecutionCancelledError' })
  })

  test('a step that blocks its process beyond the lease is named, and there is one result all the same', async () => {
    const place = await newPlace(kind)
    const { promise, resolve } = Promise.withResolvers<void>()
    let runs = 0
    const blocking = relay({
      second: async (value) => {
        // Its own start is written before: what blocks at once keeps even that back.
        await sleep(100)
        // Where what it made was not written in time, it runs once more.
        if (runs++ === 0) block(1_900)
        resolve()
        return value + 1
      },
    })
    const first = startProcess(place, { graphs: [blocking.relay] })
    const handle = await first.docket.start(blocking.relay, Second, inputs, { id: 'a' })
    const second = startProcess(place, { graphs: [relay().relay], takeOver: false })
    await promise
    expect(await handle.result()).toBe(3)
    expect(await (await second.docket.get('a'))!.result()).toBe(3)
    await vi.waitFor(() => {
      const told = [...first.events, ...second.events].filter(({ type }) => type === 'loop.blocked')
      expect(told).toMatchObject(told.length === 0 ? [{}] : [{ suspect: 'Second' }])
    }, patience)
    const { steps, status } = await (await second.docket.get('a'))!.details()
    expect(status).toBe('completed')
    expect(steps.map(({ step, output }) => [step, output]).toSorted()).toEqual([
      ['First', 2],
      ['Second', 3],
    ])
  })
})

describe.each(['postgres', 'mysql', 'redis'] as const)('clocks that are wrong by minutes on %s', (kind) => {
  test.each([-20, 20])(
    'take nothing from a living process, and keep nothing for a dead one: %i minutes',
    async (minutes) => {
      const place = await newPlace(kind)
      const { promise, resolve } = Promise.withResolvers<number>()
      const owner = relay({ second: () => promise })
      const { docket } = startProcess(place, { graphs: [owner.relay], takeOver: false })
      const handle = await docket.start(owner.relay, Second, inputs, { id: 'living' })
      const doomed = relay({ second: () => new Promise(() => {}) })
      const dying = startProcess(place, { graphs: [doomed.relay] })
      await dying.docket.start(doomed.relay, Second, inputs, { id: 'dying' })
      await vi.waitFor(() => expect([...owner.runs, ...doomed.runs]).toHaveLength(4), patience)
      const wrong = relay()
      const other = startProcess(place, { graphs: [wrong.relay], clock: shiftedClock(minutes * 60_000) })
      await other.docket.resume()
      expect(wrong.runs).toEqual([])
      dying.die()
      expect(await (await other.docket.get('dying'))!.result()).toBe(3)
      expect(wrong.runs).toEqual(['dying Second'])
      resolve(7)
      expect(await handle.result()).toBe(7)
      expect(other.acquired).toEqual(['dying'])
    },
  )
})

describe.each(sqlKinds)('SQL on %s', (kind) => {
  test('what is started in the caller’s transaction runs if and only if that commits', async () => {
    const place = await newPlace(kind)
    const { relay: graph, runs } = relay()
    const { docket } = startProcess(place, { graphs: [graph] })
    await docket.list()
    for (const how of ['rollback', 'commit'] as const) {
      const { store, client, end } = await place.beginTransaction()
      const inside = startProcess({ ...place, createStore: () => store }, { graphs: [graph], takeOver: false }).docket
      await inside.start(graph, Second, inputs, { id: how, transaction: client })
      expect(await docket.get(how)).toBeUndefined()
      await end(how)
      if (how === 'rollback') expect(await docket.get(how)).toBeUndefined()
      else expect(await (await docket.get(how))!.result()).toBe(3)
    }
    expect(runs).toEqual(['commit First', 'commit Second'])
  })

  test('what is signalled in the caller’s transaction is there if and only if that commits, to one that is started in it as well', async () => {
    const place = await newPlace(kind)
    const { docket } = startProcess(place, { graphs: [approvals] })
    const handle = await docket.start(approvals, Shipment, { Order: { id: 'o' } }, { id: 'a' })
    for (const how of ['rollback', 'commit'] as const) {
      const { store, client, end } = await place.beginTransaction()
      const inside = startProcess(
        { ...place, createStore: () => store },
        { graphs: [approvals], takeOver: false },
      ).docket
      // A connection of SQLite that is within a transaction reads nothing besides.
      const found = kind === 'sqlite' ? undefined : (await inside.get('a'))!
      if (found !== undefined)
        expect(await found.signal(Approval, { by: how }, { transaction: client })).toBe('accepted')
      const id = `new ${how}`
      const started = await inside.start(approvals, Shipment, { Order: { id: 'p' } }, { id, transaction: client })
      expect(await started.signal(Approval, { by: how }, { transaction: client })).toBe('accepted')
      await end(how)
    }
    if (kind === 'sqlite') expect(await handle.signal(Approval, { by: 'commit' })).toBe('accepted')
    expect(await handle.result()).toBe('o for commit')
    expect(await docket.get('new rollback')).toBeUndefined()
    expect(await (await docket.get('new commit'))!.result()).toBe('p for commit')
  })

  test('a row that is given up by hand is found, and goes on', async () => {
    const place = await newPlace(kind)
    const first = relay({
      second: () => {
        throw new Error('no bank')
      },
    })
    const before = startProcess(place, { graphs: [first.relay] }).docket
    await expect(before.execute(first.relay, Second, inputs, { id: 'a' })).rejects.toThrow('no bank')
    const healthy = relay()
    const { docket } = startProcess(place, { graphs: [healthy.relay] })
    await docket.list()
    await before.close()
    await place.sql(`delete from docket_steps where execution = 'a' and status = 'failed'`)
    await place.sql(
      `update docket_executions set status = 'pending', owner = null, error = null, ended_at = null where id = 'a'`,
    )
    expect(await (await docket.get('a'))!.result()).toBe(3)
    expect(healthy.runs).toEqual(['a Second'])
  })
})
