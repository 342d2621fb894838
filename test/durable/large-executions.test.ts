import { expect, test } from 'vitest'
import { createDocket, dataType, step, type, untypedGraph } from '../../src/index.ts'
import type { DataType } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

// Enough that going on with it lasts much longer than work may hold the event loop.
const width = 100
const layers = 120

function number(name: string): DataType<string, number> {
  return dataType(name, type<number>())
}

/** Layers of persisted steps, each of which takes one value of the layer before; the last one takes all, and waits where `isOpen` is false. */
function layered({ isChanged = false }: { readonly isChanged?: boolean } = {}) {
  let isOpen = false
  let ran = 0
  const count = ({ value }: { readonly value: number }): number => {
    ran++
    return value + 1
  }
  let before = Array.from({ length: width }, () => number('Seed'))
  const steps = Array.from({ length: layers }, (_, layer) => {
    const inputs = before
    before = before.map((_, index) => number(`T${layer}-${index}`))
    return before.map((output, index) =>
      step({ name: `S${layer}-${index}`, inputs: { value: inputs[index]! }, output, persist: 'execution', run: count }),
    )
  })
  const target = number('Sum')
  const inputs = Object.fromEntries(before.map((output, index) => [`p${index}`, output]))
  const sum = step({
    name: 'Sum',
    ...(isChanged && { version: '2' }),
    inputs,
    output: target,
    persist: 'execution',
    run: async (values: Readonly<Record<string, number>>) => {
      if (!isOpen) await new Promise(() => {})
      return Object.values(values).reduce((all, value) => all + value, 0)
    },
  })
  const graph = untypedGraph({ name: 'layered', steps: [...steps.flat(), sum] })
  return { graph, target, ranOf: () => ran, open: () => void (isOpen = true) }
}

test('an execution of 12,000 persisted steps goes on in portions that let timers fire, and runs none again', async () => {
  const store = memoryStore()
  const { graph, target, ranOf, open } = layered()
  const first = createDocket({ graphs: [graph], store, takeOver: false })
  await first.start(graph, target, { Seed: 0 }, { id: 'a' })
  await expect.poll(ranOf, { timeout: 20_000 }).toBe(width * layers)
  await first.close({ deadline: 50 })
  open()
  const second = createDocket({ graphs: [graph], store, takeOver: false })
  await second.list()
  let fired = 0
  const timer = setInterval(() => fired++, 0)
  await second.resume()
  clearInterval(timer)
  expect(fired).toBeGreaterThan(2)
  const handle = await second.get('a')
  expect(await handle!.result()).toBe(width * layers)
  expect(ranOf()).toBe(width * layers)
  await second.close()
})

/** Notes how often timers have fired when the values of steps in layers are encoded. */
function watchedCodec(firedOf: () => number) {
  const firedAt = { first: Infinity, last: 0 }
  const note = (bytes: Uint8Array, identity: string): Uint8Array => {
    if (!/S\d+-\d+/.test(identity)) return bytes
    const fired = firedOf()
    firedAt.first = Math.min(firedAt.first, fired)
    firedAt.last = Math.max(firedAt.last, fired)
    return bytes
  }
  return { firedAt, codec: { name: 'plain', encode: note, decode: (bytes: Uint8Array) => bytes } }
}

test('the records of 12,000 steps are encoded for a fork, and for a migration, in portions that let timers fire', async () => {
  const store = memoryStore()
  const { graph, target, ranOf, open } = layered()
  let fired = 0
  const timer = setInterval(() => fired++, 0)
  const plain = { name: 'plain', encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes }
  const first = createDocket({ graphs: [graph], store, takeOver: false, codecs: [plain] })
  await first.start(graph, target, { Seed: 0 }, { id: 'a' })
  await expect.poll(ranOf, { timeout: 20_000, interval: 200 }).toBe(width * layers)
  await first.close({ deadline: 50 })
  open()
  const forking = watchedCodec(() => fired)
  const second = createDocket({ graphs: [graph], store, takeOver: false, codecs: [forking.codec] })
  const { id } = await second.fork('a', { from: 'Sum' })
  expect(forking.firedAt.last - forking.firedAt.first).toBeGreaterThan(1)
  const forked = await second.get(id)
  expect(await forked!.result()).toBe(width * layers)
  await second.close()
  const changed = layered({ isChanged: true })
  changed.open()
  const migrating = watchedCodec(() => fired)
  const third = createDocket({
    graphs: [changed.graph],
    store,
    takeOver: false,
    codecs: [migrating.codec],
    migrate: { layered: (execution) => execution },
  })
  await third.resume()
  expect(migrating.firedAt.last - migrating.firedAt.first).toBeGreaterThan(1)
  const handle = await third.get('a')
  expect(await handle!.result()).toBe(width * layers)
  expect(ranOf() + changed.ranOf()).toBe(width * layers)
  clearInterval(timer)
  await third.close()
})
