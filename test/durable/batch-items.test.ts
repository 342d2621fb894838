import { describe, expect, test } from 'vitest'
import { dataType, ExecutionConflictError, graph, step, type } from '../../src/index.ts'
import type { Codec } from '../../src/core/contracts/codec.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Row = dataType('Row', type<number>())
const Text = dataType('Text', type<string>())

const rows = [1, 2, 3].map((n) => ({ Row: n }))

const slowly = (world: World): Store =>
  alteredStore(world.store, async (method, ask) => {
    if (method === 'commit') await world.clock.sleep(400)
    // Others use it still.
    return method === 'close' ? undefined : ask()
  })

describe('a batch’s items', () => {
  const texts = graph({
    name: 'texts',
    steps: [
      step({ name: 'Tell', inputs: { row: Row }, output: Text, persist: 'execution', run: ({ row }) => `row ${row}` }),
    ],
  })
  const many = Array.from({ length: 2_500 }, (_, n) => ({ Row: n }))

  test('are written by whoever starts it again, where its process died before all of them were', async () => {
    const world = new World()
    let commits = 0
    const store = alteredStore(world.store, (method, ask) => {
      if (method === 'commit') commits++
      return commits > 2 ? new Promise(() => {}) : ask()
    })
    void world.process({ graphs: [texts], store }).startBatch(texts, Text, many, { id: 'b' })
    await world.clock.advance(20_000)
    const survivor = world.process({ graphs: [texts] })
    await world.clock.advance(20_000)
    const { executions } = await world.clock.settle(survivor.list())
    expect(executions).toMatchObject([
      {
        status: 'running',
        incompatible: ['only 1000 of its 2500 items were written before its process died; start it again'],
      },
    ])
    await expect(world.clock.settle(survivor.startBatch(texts, Text, many.slice(1), { id: 'b' }))).rejects.toThrow(
      ExecutionConflictError,
    )
    const again = await world.clock.settle(survivor.startBatch(texts, Text, many, { id: 'b' }))
    const results = await world.clock.settle(again.result())
    expect(results).toHaveLength(2_500)
    const other = await world.clock.settle(world.process({ graphs: [texts] }).get('b'))
    expect(await world.clock.settle(other!.result())).toEqual(results)
  })

  test('may be more than one value can hold', async () => {
    const world = new World()
    const Long = dataType('Long', type<string>())
    const lengths = graph({
      name: 'lengths',
      steps: [
        step({
          name: 'Tell',
          inputs: { long: Long },
          output: Text,
          persist: 'execution',
          run: ({ long }) => `${long.length}`,
        }),
      ],
    })
    const items = Array.from({ length: 1_000 }, (_, n) => ({ Long: 'é'.repeat(10_000 + n) }))
    const docket = world.process({ graphs: [lengths] })
    const batch = await world.clock.settle(docket.startBatch(lengths, Text, items, { id: 'b' }))
    expect(await world.clock.settle(batch.result())).toHaveLength(1_000)
    const { steps } = await world.store.readSteps(['b'])
    for (const { step: name, output } of steps)
      if (name === '$items') expect(Buffer.byteLength(output!)).toBeLessThanOrEqual(1024 * 1024)
  })

  test('are refused before anything is written, where one can’t be stored', async () => {
    const world = new World()
    const docket = world.process({ graphs: [texts], maxValueBytes: 1_000 })
    const items = [{ Row: 1 }, { Row: 'x'.repeat(1_000) as never }]
    await expect(docket.startBatch(texts, Text, items, { id: 'b', key: (_, n) => `item-${n}` })).rejects.toThrow(
      /"item-1".*the limit is 1000/s,
    )
    const batch = await docket.startBatch(texts, Text, rows, { id: 'b' })
    expect(await world.clock.settle(batch.result())).toHaveLength(3)
  })

  test('that a codec could not encode are written when it is started again', async () => {
    const world = new World()
    let isBroken = true
    const codec: Codec = {
      name: 'fragile',
      encode: (bytes, context) => {
        if (isBroken && context.includes('$items')) throw new Error('no key')
        return bytes
      },
      decode: (bytes) => bytes,
    }
    const docket = world.process({ graphs: [texts], codecs: [codec] })
    await expect(world.clock.settle(docket.startBatch(texts, Text, rows, { id: 'b' }))).rejects.toThrow('no key')
    isBroken = false
    const again = await world.clock.settle(docket.startBatch(texts, Text, rows, { id: 'b' }))
    expect(await world.clock.settle(again.result())).toEqual(['row 1', 'row 2', 'row 3'])
  })

  test('are waited for by an orderly close', async () => {
    const world = new World()
    const docket = world.process({ graphs: [texts], store: slowly(world) })
    const starting = docket.startBatch(texts, Text, many, { id: 'b' })
    await world.clock.advance(600)
    await world.clock.settle(Promise.all([starting, docket.close()]))
    const other = world.process({ graphs: [texts] })
    const handle = await world.clock.settle(other.get('b'))
    expect(await world.clock.settle(handle!.result())).toHaveLength(2_500)
  })

  test('are written no further once it is cancelled', async () => {
    const world = new World()
    const docket = world.process({ graphs: [texts], store: slowly(world) })
    const starting = docket.startBatch(texts, Text, many, { id: 'b' })
    await world.clock.advance(600)
    await world.clock.settle(docket.cancel('b'))
    const handle = await world.clock.settle(starting)
    await expect(world.clock.settle(handle.result())).rejects.toThrow('was cancelled on request')
    await world.clock.advance(5_000)
    const { steps } = await world.store.readSteps(['b'])
    expect(steps.filter(({ step: name }) => name === '$items').length).toBeLessThan(3)
    expect(steps.filter(({ step: name }) => name === 'Tell')).toEqual([])
    const again = await world.clock.settle(docket.startBatch(texts, Text, many, { id: 'b' }))
    await world.clock.advance(30_000)
    expect(await world.clock.settle(again.result())).toHaveLength(2_500)
  })
})
