import { describe, expect, test } from 'vitest'
import { OptionError, StoreError } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import { line, Third } from './line.ts'
import { World } from './durable-time.ts'

const inputs = { Seed: 1 }
const { line: graph } = line()

async function started(world: World, options: Partial<DocketOptions> = {}) {
  const docket = world.process({ graphs: [graph], ...options })
  await world.clock.settle((await docket.start(graph, Third, inputs, { id: 'a' })).result())
  return docket
}

describe('docket.acts', () => {
  test('lists what was recorded, the newest first, a page at a time', async () => {
    const world = new World()
    const docket = await started(world)
    for (const note of ['first', 'second', 'third']) {
      await docket.acts.record({ by: 'ann', act: 'retry', execution: 'a', note })
      await world.clock.advance(1_000)
    }
    await docket.acts.record({ by: 'bob', act: 'pauseQueue' })
    const page = await docket.acts.list({ limit: 3 })
    expect(page.acts.map(({ by, note }) => [by, note])).toEqual([
      ['bob', undefined],
      ['ann', 'third'],
      ['ann', 'second'],
    ])
    expect((await docket.acts.list({ limit: 3, after: page.next })).acts).toMatchObject([{ note: 'first' }])
    expect(await docket.acts.list({ execution: 'a', limit: 3 })).toMatchObject({ next: undefined, acts: [{}, {}, {}] })
    expect(await docket.acts.list({ execution: 'b' })).toEqual({ acts: [], next: undefined })
  })

  test('gives each to the observers, with the graph of its execution', async () => {
    const world = new World()
    const docket = await started(world)
    world.events.length = 0
    const { id } = await docket.acts.record({ by: 'ann', act: 'cancel', execution: 'a', note: 'twice' })
    await docket.acts.record({ by: 'ann', act: 'cancel', execution: 'gone' })
    await docket.acts.record({ by: 'ann', act: 'pauseQueue' })
    const at = world.clock.now()
    expect(world.events).toEqual([
      {
        type: 'act.recorded',
        seq: 0,
        at,
        executionId: 'a',
        graph: 'line',
        id,
        by: 'ann',
        act: 'cancel',
        note: 'twice',
      },
      expect.objectContaining({ executionId: 'gone', graph: '' }),
      expect.objectContaining({ executionId: '', graph: '', act: 'pauseQueue' }),
    ])
  })

  test('what can’t be written down is refused, so that it is not done', async () => {
    const world = new World()
    const store = new Proxy(world.store, {
      get: (target, key) => {
        if (key === 'addActs') return () => Promise.reject(new StoreError('memory', 'no space left', false))
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const docket = world.process({ graphs: [graph], store })
    await expect(world.clock.settle(docket.acts.record({ by: 'ann', act: 'cancel' }))).rejects.toThrow('no space left')
    expect(world.events.filter(({ type }) => type === 'act.recorded')).toEqual([])
  })

  test('says all that is wrong with an act, or with a query', async () => {
    const docket = new World().process({ graphs: [graph] })
    const loose = docket.acts as unknown as Record<'record' | 'list', (given: unknown) => Promise<unknown>>
    const act = { by: '', act: 'x'.repeat(101), execution: 7, note: {}, who: 'ann' }
    await expect(loose.record(act)).rejects.toThrow(OptionError)
    await expect(loose.record(act)).rejects.toThrow(
      /unknown option "who".*by must be a non-empty string.*execution must be.*note must be.*act has 101 characters, and may have 100/s,
    )
    await expect(loose.list({ limit: 0, after: 'x', execution: 1 })).rejects.toThrow(
      /execution must.*limit must.*after must/s,
    )
  })

  test('keeps acts for ninety days, or for as long as retain says, those on what was deleted too', async () => {
    const day = 86_400_000
    for (const [retain, days] of [
      [undefined, 90],
      [{ acts: '2d' }, 2],
    ] as const) {
      const world = new World()
      const docket = await started(world, { retain })
      await docket.acts.record({ by: 'ann', act: 'delete', execution: 'a' })
      await docket.delete('a')
      await docket.close()
      const left = async (): Promise<number> => {
        const later = world.process({ graphs: [graph], retain })
        await world.clock.settle(later.purge({ olderThan: '1h' }))
        const { acts } = await later.acts.list({ execution: 'a' })
        await world.clock.settle(later.close())
        return acts.length
      }
      await world.clock.advance(days * day - 3_600_000)
      expect(await left()).toBe(1)
      await world.clock.advance(2 * 3_600_000)
      expect(await left()).toBe(0)
    }
  })

  test('one that only looks on deletes none of what workers keep', async () => {
    const world = new World()
    const worker = await started(world, { retain: { acts: '3650d' } })
    await worker.acts.record({ by: 'ann', act: 'retry', execution: 'a' })
    await worker.close()
    await world.clock.advance(100 * 86_400_000)
    for (const options of [{ takeOver: false }, { work: false }] as const) {
      const onlooker = world.process({ graphs: [graph], ...options })
      await world.clock.settle(onlooker.purge({ olderThan: '3650d' }))
      await world.clock.advance(3 * 60_000)
      expect((await onlooker.acts.list()).acts).toHaveLength(1)
      await world.clock.settle(onlooker.close())
    }
  })

  test('an execution’s details have its newest 25', async () => {
    const world = new World()
    const docket = await started(world)
    for (let n = 0; n < 30; n++) {
      await docket.acts.record({ by: 'ann', act: 'retry', execution: 'a', note: String(n) })
      await world.clock.advance(1)
    }
    await docket.acts.record({ by: 'ann', act: 'retry', execution: 'b' })
    const { acts } = await (await docket.get('a'))!.details()
    expect(acts.map(({ note }) => note)).toEqual(Array.from({ length: 25 }, (_, index) => String(29 - index)))
  })
})
