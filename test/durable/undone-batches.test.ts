import { describe, expect, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'
import { Confirmed, names, Parcels } from './parcels.ts'
import { Rooms, Stay } from './rooms.ts'

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

describe('a durable batch that was undone, and begins again,', () => {
  test.each(['now', 'after a death'] as const)(
    'serves nothing that was undone, nor what was made of it (%s)',
    async (how) => {
      const world = new World()
      const parcels = new Parcels(world.clock)
      failing(parcels)
      const graph = parcels.graph()
      const { docket, die } = world.mortal({ graphs: [graph], lease: '2s' })
      const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), { ...options, concurrency: 1 })
      await world.clock.settle(handle.result().catch(() => {}))
      expect(parcels.done.size).toBe(0)
      const confirmed: string[] = []
      parcels.confirm = async (shipped) => {
        confirmed.push(shipped)
        await world.clock.sleep(100)
        return shipped
      }
      await docket.retry('a')
      let last = docket
      if (how === 'after a death') {
        await world.clock.advance(150)
        die()
        last = world.process({ graphs: [graph], lease: '2s' })
        await world.clock.advance(10_000)
      }
      expect(await world.clock.settle((await last.get('a'))!.result())).toEqual(['ship a', 'ship b', 'ship c'])
      expect([...parcels.done.values()].toSorted()).toEqual([
        'open here',
        'pack a',
        'pack b',
        'pack c',
        'ship a',
        'ship b',
        'ship c',
      ])
      expect(confirmed.toSorted().slice(-1)).toEqual(['ship c'])
      expect(new Set(confirmed).size).toBe(3)
      await last.close()
    },
  )

  test('and collects, tries anew what had failed alone', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    failing(parcels)
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), { ...options, onError: 'collect' })
    await world.clock.settle(handle.result())
    parcels.confirm = (shipped) => shipped
    await docket.retry('a')
    await world.clock.settle((await docket.get('a'))!.result())
    expect([...parcels.done.values()].toSorted()).toEqual([
      'open here',
      'pack a',
      'pack b',
      'pack c',
      'ship a',
      'ship b',
      'ship c',
    ])
    expect(parcels.log.filter((what) => what.startsWith('pack'))).toEqual(['pack a', 'pack b', 'pack c', 'pack c'])
    await docket.close()
  })
})

describe('a durable batch that nobody runs', () => {
  test.each(['cancel', 'delete'] as const)('is undone where it is to %s', async (what) => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    parcels.confirm = (shipped) => (shipped === 'ship c' ? new Promise(() => {}) : shipped)
    const graph = parcels.graph()
    const { docket, die } = world.mortal({ graphs: [graph], lease: '2s' })
    await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), { ...options, concurrency: 1 })
    await world.clock.advance(100)
    die()
    await world.clock.advance(5_000)
    const next = world.process({ graphs: [graph], lease: '2s', takeOver: false })
    const handle = (await next.get('a'))!
    if (what === 'cancel') {
      await world.clock.settle(handle.cancel())
      const other = world.process({ graphs: [graph], lease: '2s' })
      await world.clock.advance(10_000)
      expect((await handle.details()).status).toBe('cancelled')
      await other.close()
    } else {
      expect(await world.clock.settle(next.delete('a'))).toBe(true)
      expect(await next.get('a')).toBeUndefined()
    }
    expect(parcels.done.size).toBe(0)
    expect(parcels.cancelled).toHaveLength(7)
    await next.close()
  })

  test('and closed while it was undone goes on elsewhere', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    failing(parcels)
    parcels.undo = (what, attempt) => {
      if (what === 'pack a' && attempt < 3) throw new Error('busy')
    }
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.startBatch(graph, Confirmed, names('a', 'b', 'c'), options)
    handle.result().catch(() => {})
    await world.clock.advance(500)
    expect((await handle.details()).status).toBe('compensating')
    await world.clock.settle(docket.close({ deadline: 1 }))
    const next = world.process({ graphs: [graph] })
    await world.clock.advance(10_000)
    expect(await (await next.get('a'))!.details()).toMatchObject({ status: 'failed' })
    expect(parcels.done.size).toBe(0)
    expect(parcels.cancelled).toHaveLength(7)
    await next.close()
  })
})

describe('in a durable batch', () => {
  test('what losers of the races of items did is undone before the batch has ended, whatever process dies', async () => {
    for (const diesAfter of [undefined, 5, 15, 30, 55]) {
      const world = new World()
      const rooms = new Rooms(world.clock)
      rooms.stayMs = 0
      const hotels = rooms.hotels()
      const { docket, die } = world.mortal({ graphs: [hotels], lease: '2s' })
      await docket.startBatch(hotels, Stay, [{ Night: 'monday' }, { Night: 'tuesday' }], { id: 'a' })
      let last = docket
      if (diesAfter !== undefined) {
        await world.clock.advance(diesAfter)
        die()
        last = world.process({ graphs: [hotels], lease: '2s' })
        await world.clock.advance(10_000)
      }
      const handle = (await last.get('a'))!
      expect(await world.clock.settle(handle.result())).toEqual(['slept', 'slept'])
      expect([...rooms.booked.values()], `died after ${diesAfter} ms`).toEqual(['near', 'near'])
      expect((await handle.details()).status).toBe('completed')
      await last.close()
    }
  })

  test('1,000 items are undone from their records as many at a time as its concurrency says', async () => {
    const world = new World()
    const parcels = new Parcels(world.clock)
    let open = 0
    let most = 0
    parcels.undo = async () => {
      most = Math.max(most, ++open)
      await world.clock.sleep(1)
      open--
    }
    parcels.confirm = (shipped) => {
      if (shipped === 'ship last') throw new Error('no such address')
      return shipped
    }
    const graph = parcels.graph()
    const docket = world.process({ graphs: [graph] })
    const items = names(...Array.from({ length: 1_000 }, (_, index) => `n${index}`), 'last')
    const handle = await docket.startBatch(graph, Confirmed, items, { ...options, concurrency: 20 })
    await world.clock.settle(handle.result().catch(() => {}))
    expect(parcels.done.size).toBe(0)
    expect(parcels.cancelled.at(-1)).toBe('open here')
    expect(parcels.cancelled).toHaveLength(2 * 1_001 + 1)
    // One of them lived here when the batch failed.
    expect(most).toBeLessThanOrEqual(21)
    await docket.close()
  })
})

test('a durable batch whose steps have other names by now is undone under these, and its records are found again', async () => {
  for (const codecs of [
    undefined,
    [encryption({ keys: { k: new Uint8Array(32).fill(1) }, current: 'k', isRequired: true })],
  ]) {
    const world = new World()
    const parcels = new Parcels(world.clock)
    failing(parcels)
    parcels.undo = (what, attempt) => {
      if (what === 'pack b' && attempt === 1) die()
      return what === 'pack b' && attempt === 1 ? new Promise(() => {}) : undefined
    }
    const before = parcels.graph()
    const { docket, die } = world.mortal({ graphs: [before], lease: '2s', ...(codecs && { codecs }) })
    const handle = await docket.startBatch(before, Confirmed, names('a', 'b', 'c'), options)
    handle.result().catch(() => {})
    await world.clock.advance(1_000)
    const renamed = parcels.graph('PackUp')
    const next = world.process({ graphs: [renamed], lease: '2s', ...(codecs && { codecs }) })
    await world.clock.advance(10_000)
    const found = (await next.get('a'))!
    expect(await world.clock.settle(found.result().catch((error: unknown) => error))).toMatchObject({ step: 'Confirm' })
    expect(parcels.done.size).toBe(0)
    expect(parcels.cancelled).toHaveLength(7)
    await next.close()
  }
})
