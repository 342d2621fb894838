import { describe, expect, test } from 'vitest'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'
import { Confirmed, names, Parcels } from './parcels.ts'

const shared = { Place: 'here' }
const options = { id: 'a', shared }

/** A batch of which the third parcel can't be confirmed. */
function failing(parcels: Parcels): void {
  parcels.confirm = async (shipped) => {
    await parcels.clock.sleep(100)
    if (shipped === 'ship c') throw new Error('no such address')
    return shipped
  }
}

describe('a durable batch', () => {
  test('that fails undoes all that it did: what items share last', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    failing(parcels)
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), options)
    const error = await world.clock.settle(handle.result().catch((thrown: unknown) => thrown))
    expect(error).toMatchObject({ code: 'STEP_FAILED', step: 'Confirm' })
    expect(error).not.toHaveProperty('undoErrors')
    expect(parcels.done.size).toBe(0)
    expect(parcels.cancelled.at(-1)).toBe('open here')
    expect(parcels.cancelled).toHaveLength(7)
    for (const name of ['a', 'b', 'c'])
      expect(parcels.cancelled.indexOf(`ship ${name}`)).toBeLessThan(parcels.cancelled.indexOf(`pack ${name}`))
    const { status, steps } = await handle.details()
    expect(status).toBe('failed')
    const undos = steps.map(({ step, item, undo }) => [step, item ?? '', undo?.status].join(' ')).toSorted()
    expect(undos).toEqual([
      'Open  undone',
      ...[0, 1, 2].map((item) => `Pack ${item} undone`),
      ...[0, 1, 2].map((item) => `Ship ${item} undone`),
    ])
    await docket.close()
  })

  test('that is cancelled undoes items that had completed, from their records', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    parcels.confirm = (shipped) => (shipped === 'ship c' ? new Promise(() => {}) : shipped)
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), { ...options, concurrency: 1 })
    await world.clock.advance(100)
    await world.clock.settle(handle.cancel())
    expect(parcels.done.size).toBe(0)
    expect(parcels.cancelled).toHaveLength(7)
    expect((await handle.details()).status).toBe('cancelled')
    await docket.close()
  })

  test('that collects undoes an item alone that fails', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    failing(parcels)
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), { ...options, onError: 'collect' })
    const outcomes = (await world.clock.settle(handle.result())) as readonly { error?: unknown }[]
    expect(outcomes.map(({ error }) => error !== undefined)).toEqual([false, false, true])
    expect(parcels.cancelled).toEqual(['ship c', 'pack c'])
    await docket.close()
  })

  test('says what could not be undone beside its error, and undoes the rest', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    failing(parcels)
    parcels.undo = (what) => {
      if (what === 'ship a') throw new Error('on its way')
    }
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), options)
    const error = await world.clock.settle(handle.result().catch((thrown: unknown) => thrown))
    expect(error).toMatchObject({
      step: 'Confirm',
      undoErrors: [{ code: 'COMPENSATION_FAILED', step: 'Ship', item: 0 }],
    })
    expect([...parcels.done.values()]).toEqual(['ship a'])
    await docket.close()
  })

  test.each([
    ['before', 'fail'],
    ['after', 'fail'],
    ['before', 'collect'],
    ['after', 'collect'],
  ] as const)('that dies right %s any of its commits comes to the same end (onError: %s)', async (when, onError) => {
    let wasFatal = true
    for (let n = 1; wasFatal; n++) {
      const world = new World()
      const parcels = new Parcels(world.clock)
      failing(parcels)
      const graph = parcels.graph()
      let hasDied = false
      const fatal = fatalAt(world.store, n, when, () => {
        hasDied = true
        die()
      })
      const { docket, die } = world.mortal({ graphs: [graph], lease: '2s' }, fatal)
      void docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), { ...options, onError }).then(
        (handle) => handle.result().catch(() => {}),
        () => {},
      )
      await world.clock.advance(5_000)
      wasFatal = hasDied
      if (!hasDied) die()
      const next = world.process({ graphs: [graph], lease: '2s' })
      await world.clock.advance(20_000)
      const label = `died ${when} commit ${n}`
      const handle = await next.get('a')
      // Its caller is the only one that has the items.
      const isThere = handle !== undefined && (await handle.details()).batch?.written === 3
      if (!isThere) continue
      const end = await world.clock.settle(handle.result().catch((error: unknown) => error))
      if (onError === 'fail') {
        expect(end, label).toMatchObject({ code: 'STEP_FAILED', step: 'Confirm' })
        expect([...parcels.done.values()], label).toEqual([])
        expect(parcels.cancelled.at(-1), label).toBe('open here')
      } else {
        expect([...parcels.done.values()].toSorted(), label).toEqual([
          'open here',
          'pack a',
          'pack b',
          'ship a',
          'ship b',
        ])
        expect(parcels.cancelled, label).toEqual(['ship c', 'pack c'])
      }
      for (const name of ['a', 'b', 'c'])
        expect(parcels.cancelled.indexOf(`ship ${name}`), label).toBeLessThanOrEqual(
          parcels.cancelled.indexOf(`pack ${name}`),
        )
      expect((await handle.details()).status, label).toBe(onError === 'fail' ? 'failed' : 'completed')
      await next.close()
      expect(n).toBeLessThan(100)
    }
  })
})
