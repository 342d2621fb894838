import { describe, expect, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { SeenRecords } from './seen-records.ts'

const N = dataType('N', type<number>())
const Sent = dataType('Sent', type<number>())
const count = 2_000
const perPage = 100
// One page is taken in while the next one is read.
const mostHeld = 3 * perPage

/** Items of one persisted step each; those of `open` wait for good. */
function sending(open: ReadonlySet<number> = new Set()) {
  const send = step({
    name: 'Send',
    inputs: { n: N },
    output: Sent,
    persist: 'execution',
    run: ({ n }) => (open.has(n) ? new Promise<number>(() => {}) : n),
  })
  return graph({ name: 'sending', steps: [send] })
}

const items = Array.from({ length: count }, (_, n) => ({ N: n }))

/** A batch of which two items are left, whose process is gone; and another process over it. */
async function abandoned() {
  const store = memoryStore()
  const open = new Set([17, 1_900])
  const declared = sending(open)
  const first = createDocket({ graphs: [declared], store, takeOver: false })
  const batch = await first.startBatch(declared, Sent, items, { id: 'b', concurrency: 500 })
  await expect.poll(async () => (await batch.details()).batch?.counts.completed, { timeout: 20_000 }).toBe(count - 2)
  await first.close({ deadline: 0 })
  const seen = new SeenRecords(store, perPage)
  const second = createDocket({ graphs: [sending()], store: seen.store, takeOver: false })
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
})
