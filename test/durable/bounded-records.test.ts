import { describe, expect, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { stepsIn } from '../../src/testing/conformance/records.ts'
import { SeenRecords } from './seen-records.ts'

const N = dataType('N', type<number>())
const Sent = dataType('Sent', type<number>())
const count = 1_200
const perPage = 150
// One page is taken in while the next one is read.
const mostHeld = 3 * perPage

/** Items of one persisted step each; those of `open` wait for good. */
function sending(open: ReadonlySet<number> = new Set(), ran: number[] = []) {
  const send = step({
    name: 'Send',
    inputs: { n: N },
    output: Sent,
    persist: 'execution',
    retry: { maxAttempts: 2 },
    run: ({ n }) => {
      ran.push(n)
      return open.has(n) ? new Promise<number>(() => {}) : n
    },
  })
  return graph({ name: 'sending', steps: [send] })
}

const Count = dataType('Count', type<number>(), { formerly: 'N' })
const Delivered = dataType('Delivered', type<number>(), { formerly: 'Sent' })

/** The same, but all of it has another name. */
function delivering(ran: number[]) {
  const deliver = step({
    name: 'Deliver',
    formerly: 'Send',
    inputs: { n: Count },
    output: Delivered,
    persist: 'execution',
    retry: { maxAttempts: 2 },
    run: ({ n }) => {
      ran.push(n)
      return n
    },
  })
  return graph({ name: 'delivering', formerly: 'sending', steps: [deliver] })
}

const items = Array.from({ length: count }, (_, n) => ({ N: n }))

/** A batch of which two items are left, whose process is gone; and another process over it. */
async function abandoned(next: AnyGraph = sending()) {
  const store = memoryStore()
  const open = new Set([17, 1_100])
  const declared = sending(open)
  const first = createDocket({ graphs: [declared], store, takeOver: false })
  const batch = await first.startBatch(declared, Sent, items, { id: 'b', concurrency: 500 })
  await expect
    .poll(async () => (await batch.details()).batch?.counts.completed, { timeout: 20_000, interval: 200 })
    .toBe(count - 2)
  await first.close({ deadline: 0 })
  const seen = new SeenRecords(store, perPage)
  const second = createDocket({ graphs: [next], store: seen.store, takeOver: false })
  await second.list()
  seen.reset()
  return { store, seen, second }
}

describe('of the records of a large batch no more than a few pages are in memory', () => {
  test('when it is cancelled by a process that does not run it', async () => {
    const { seen, second } = await abandoned()
    await second.cancel('b')
    expect((await second.list({ status: 'cancelled' })).executions).toHaveLength(1)
    expect(seen.pages).toBeGreaterThanOrEqual(count / perPage)
    expect(seen.most).toBeLessThan(mostHeld)
    await second.close()
  })

  test('when somebody looks at it', async () => {
    const { seen, second } = await abandoned()
    const handle = await second.get('b')
    seen.reset()
    const { batch, steps } = await handle!.details()
    expect(batch).toMatchObject({ total: count, written: count, counts: { completed: count - 2, running: 2 } })
    expect(batch!.items.slice(0, 3)).toMatchObject([
      { index: 17, status: 'running' },
      { index: 1_100, status: 'running' },
      { index: 0, status: 'completed' },
    ])
    expect(batch!.items).toHaveLength(100)
    expect(new Set(steps.map(({ item }) => item))).toEqual(new Set(batch!.items.map(({ key }) => key)))
    // Those of a small batch are kept for what is shown of it.
    expect(seen.most).toBeLessThan(500 + mostHeld)
    await second.close()
  })

  test('when it goes on', async () => {
    const ran: number[] = []
    const { seen, second } = await abandoned(sending(new Set(), ran))
    expect(await second.resume()).toBe(1)
    expect(seen.most).toBeLessThan(mostHeld)
    expect(await (await second.get('b'))!.result()).toEqual(items.map(({ N: n }) => n))
    expect(ran.toSorted((one, other) => one - other)).toEqual([17, 1_100])
    await second.close()
  })

  test('when it goes on under other names, which are written page by page', async () => {
    const ran: number[] = []
    const declared = delivering(ran)
    const { store, seen, second } = await abandoned(declared)
    expect((await (await second.get('b'))!.details()).batch?.counts).toMatchObject({ completed: count - 2, running: 2 })
    seen.reset()
    const again = Array.from({ length: count }, (_, n) => ({ Count: n }))
    const batch = await second.startBatch(declared, Delivered, again, { id: 'b', concurrency: 500 })
    expect(seen.most).toBeLessThan(mostHeld)
    expect(seen.mostWritten).toBeLessThanOrEqual(2 * perPage)
    expect(await batch.result()).toEqual(again.map(({ Count: n }) => n))
    expect(ran.toSorted((one, other) => one - other)).toEqual([17, 1_100])
    const rows = await stepsIn(store, 'b')
    expect(rows.filter(({ step: name, type: of }) => name === 'Deliver' && of === 'Delivered')).toHaveLength(count)
    expect(rows.filter(({ step: name, type: of }) => name === 'Send' && of !== '')).toEqual([])
    await second.close()
  })
})
