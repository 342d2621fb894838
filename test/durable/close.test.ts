import { describe, expect, test } from 'vitest'
import { createDocket, DocketClosedError, DocketError, execute } from '../../src/index.ts'
import type { Docket, Store } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

/** Two processes: the first, which is about to close, runs an execution whose Second waits at a door. */
async function about() {
  const world = new World()
  const gate = door()
  const { line: graph, runs } = line({ second: { run: () => gate.promise } })
  const leaving = world.process({ graphs: [graph] })
  const handle = await leaving.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  const { line: healthy, runs: otherRuns } = line({ second: { run: (value) => value * 100 } })
  const staying = world.process({ graphs: [healthy] })
  await world.clock.advance(10)
  return { world, gate, graph, runs, otherRuns, leaving, staying, handle }
}

describe('close', () => {
  test('without drain, lets running steps end and commits them; what follows goes on elsewhere, without waiting for a lease', async () => {
    const { world, gate, runs, otherRuns, leaving, staying } = await about()
    const closing = leaving.close({ drain: false })
    await world.clock.advance(500)
    gate.resolve(7)
    await world.clock.advance(20)
    await closing
    expect(runs).toEqual(['First', 'Second'])
    const handedOverAt = world.clock.now()
    expect(await world.clock.settle((await staying.get('a'))!.result())).toBe(8)
    expect(otherRuns).toEqual(['Third'])
    expect(world.clock.now() - handedOverAt).toBeLessThan(1_000)
    expect(world.events.filter(({ type }) => type === 'execution.resumed')).toMatchObject([
      { after: 'release', restored: 2 },
    ])
  })

  test('hands over what does not end by the deadline', async () => {
    const { world, otherRuns, leaving, staying } = await about()
    await world.clock.settle(leaving.close({ deadline: '2s' }))
    await world.clock.advance(1_000)
    expect(otherRuns).toEqual(['Second', 'Third'])
    expect((await staying.list()).executions).toMatchObject([{ status: 'completed', output: 201 }])
  })

  test('of a docket that waits for what has just ended elsewhere gives its outcome', async () => {
    const { world, gate, graph, handle } = await about()
    // Nobody tells it: it looks now and then.
    const deaf = new Proxy(world.store, {
      get(store, name) {
        const member: unknown = Reflect.get(store, name)
        if (name === 'subscribe') return undefined
        return typeof member === 'function' ? (member.bind(store) as unknown) : member
      },
    })
    const other = world.process({ graphs: [graph], store: deaf })
    const waiting = (await other.get('a'))!.result()
    await world.clock.advance(2_000)
    const result = handle.result()
    gate.resolve(7)
    expect(await world.clock.settle(result)).toBe(8)
    await world.clock.settle(other.close())
    expect(await waiting).toBe(8)
  })

  test('is no attempt of a step that is tried again', async () => {
    const world = new World()
    const retry = { maxAttempts: 2 }
    const { line: graph } = line({ second: { retry, run: () => door().promise } })
    await world.process({ graphs: [line({ name: 'stranger' }).line] }).list()
    const leaving = world.process({ graphs: [graph] })
    await leaving.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(leaving.close({ deadline: 0 }))
    let seen = 0
    const { line: healthy } = line({ second: { retry, run: (value, { attempt }) => ((seen = attempt), value) } })
    const staying = world.process({ graphs: [healthy] })
    expect(await world.clock.settle((await staying.get('a'))!.result())).toBe(3)
    expect(seen).toBe(1)
  })

  test('takes nothing new while it waits', async () => {
    const { world, gate, graph, leaving } = await about()
    const closing = leaving.close()
    await expect(leaving.start(graph, Third, inputs, { id: 'b' })).rejects.toThrow('closed')
    const { line: doomed } = line({ second: { run: () => door().promise } })
    const other = world.mortal({ graphs: [doomed] })
    void other
    gate.resolve(7)
    await world.clock.settle(closing)
    expect(world.events.filter(({ type }) => type === 'execution.started')).toHaveLength(1)
  })

  test('lets an execution complete whose last step ends in time', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ third: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    const result = handle.result()
    await world.clock.advance(10)
    const closing = docket.close()
    gate.resolve(7)
    expect(await world.clock.settle(result)).toBe(7)
    await world.clock.settle(closing)
  })

  test('can be called twice', async () => {
    const { world, gate, leaving } = await about()
    const both = Promise.all([leaving.close(), leaving.close()])
    gate.resolve(7)
    await world.clock.settle(both)
    await leaving.close()
  })

  test('of a docket that was never used asks the store for nothing', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    await world.process({ graphs: [line().line], store: watched.store }).close()
    await world.clock.advance(10_000)
    expect(watched.calls).toEqual([])
    expect(world.clock.pending).toBe(0)
  })

  test('leaves no timer behind', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(3_000)
    await world.clock.settle(docket.close())
    expect(world.clock.pending).toBe(0)
  })

  test('of one docket leaves the store open for the others', async () => {
    const { world, gate, graph, leaving, staying } = await about()
    gate.resolve(7)
    await world.clock.settle(leaving.close())
    expect((await staying.list()).executions).toHaveLength(1)
    await world.clock.settle(staying.close())
    await expect(world.store.get(['a'])).rejects.toThrow('closed')
    void graph
  })

  test('comes to an end though the store can’t be reached', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line({ second: { run: () => door().promise } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    watched.cut()
    await world.clock.settle(Promise.allSettled([docket.close({ deadline: '1s' })]))
    const { line: healthy } = line()
    const other = world.process({ graphs: [healthy] })
    expect(await world.clock.settle((await other.get('a'))!.result())).toBe(4)
  })
})

describe('after close', () => {
  const { line: graph } = line()
  const calls: Readonly<Record<string, (docket: Docket) => Promise<unknown>>> = {
    start: (docket) => docket.start(graph, Third, inputs, { id: 'b' }),
    'execute with an id': (docket) => docket.execute(graph, Third, inputs, { id: 'b' }),
    'execute without an id': (docket) => docket.execute(graph, Third, inputs),
    get: (docket) => docket.get('a'),
    list: (docket) => docket.list(),
    resume: (docket) => docket.resume(),
    retry: (docket) => docket.retry('a'),
    fork: (docket) => docket.fork('a', { from: 'First' }),
    cancel: (docket) => docket.cancel('a'),
    delete: (docket) => docket.delete('a'),
    purge: (docket) => docket.purge({ olderThan: 0 }),
  }
  test.each(Object.keys(calls))('%s is refused clearly, though the store is open for others', async (name) => {
    const world = new World()
    const other = world.process({ graphs: [graph] })
    await other.list()
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    await world.clock.settle(docket.close())
    const error = await world.clock.settle(rejectionOf(calls[name]!(docket)))
    expect(error).toBeInstanceOf(DocketClosedError)
    expect(String(error)).toContain('closed')
  })

  test('what had not begun before is refused, too', async () => {
    const world = new World()
    const docket = world.process({ graphs: [graph] })
    await docket.close()
    await expect(docket.list()).rejects.toThrow('closed')
  })

  test('a store that was closed is refused clearly to the next docket', async () => {
    const store = sqliteStore(':memory:')
    await closeAfterUse(createDocket({ graphs: [graph], store }))
    const error = await rejectionOf(createDocket({ graphs: [graph], store }).list())
    expect(error).toBeInstanceOf(DocketError)
    expect(String(error)).toContain('closed')
  })

  test('a memory store has all it had for the next docket: a restart can be tried in memory', async () => {
    const store = memoryStore()
    const gate = door()
    const { line: doomed } = line({ second: { run: () => gate.promise } })
    const first = createDocket({ graphs: [doomed], store })
    await first.start(doomed, Third, inputs, { id: 'a' })
    await first.close({ deadline: 0 })
    const { line: healthy, runs } = line()
    const second = createDocket({ graphs: [healthy], store })
    expect(await second.execute(healthy, Third, inputs, { id: 'a' })).toBe(4)
    expect(runs).toEqual(['Second', 'Third'])
    await second.close()
  })
})

async function closeAfterUse(docket: Docket): Promise<void> {
  await docket.list()
  await docket.close()
}

describe('two dockets over one store object', () => {
  const stores: Readonly<Record<string, () => Store>> = { memory: memoryStore, sqlite: () => sqliteStore(':memory:') }
  test.each(Object.keys(stores))(
    '%s: closing the first leaves the store open for the second, used or not',
    async (name) => {
      const { line: graph } = line()
      const store = stores[name]!()
      const first = createDocket({ graphs: [graph], store })
      const second = createDocket({ graphs: [graph], store })
      expect(await first.execute(graph, Third, inputs, { id: 'a' })).toBe(4)
      await first.close()
      expect(await second.execute(graph, Third, inputs, { id: 'a' })).toBe(4)
      await second.close()
      await expect(store.get(['a'])).rejects.toThrow('closed')
    },
  )
})

test('the store of a plain execute is not closed with a docket that shares it', async () => {
  const world = new World()
  const store = memoryStore()
  const { line: shared } = line({ name: 'kept', first: { persist: { scope: 'global', store } } })
  await execute(shared, First, inputs)
  const docket = world.process({ graphs: [shared], store })
  await docket.list()
  await world.clock.settle(docket.close())
  expect(await execute(shared, First, { Seed: 4 })).toBe(5)
})

test('refuses a start that was not awaited, and says that it came too early', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  watched.before = ({ name }) => (name === 'create' ? world.clock.sleep(1_000) : undefined)
  const { line: graph } = line()
  const docket = world.process({ graphs: [graph], store: watched.store })
  const outcome = rejectionOf(docket.execute(graph, Third, inputs, { id: 'a' }))
  watched.cut()
  await world.clock.settle(docket.close({ deadline: 50 }))
  const error = await world.clock.settle(outcome)
  expect(error).toBeInstanceOf(DocketClosedError)
  expect(String(error)).toMatch(/closed/)
})
