import { beforeAll, describe, expect, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

const N = dataType('N', type<number>())
const Out = dataType('Out', type<number>())

// Enough that reading it back lasts much longer than work may hold the event loop.
const count = 12_000

/** How often timers fire while something is done: never, if it awaits what is there already. How often beyond that depends on the machine. */
async function firedDuring(work: () => Promise<unknown>): Promise<number> {
  let fired = 0
  const timer = setInterval(() => fired++, 0)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return fired
}

// A store that answers at once: nothing but the docket itself lets timers fire.
describe('a large batch is read back in portions that let timers fire', () => {
  const store = memoryStore()
  const broken = count - 1
  const send = step({
    name: 'Send',
    inputs: { n: N },
    output: Out,
    persist: 'execution',
    run: ({ n }) => {
      if (n === broken) throw new Error('down')
      return n
    },
  })
  const sending = graph({ name: 'sending', steps: [send] })
  let other: Docket

  beforeAll(async () => {
    const docket = createDocket({ graphs: [sending], store, takeOver: false })
    const items = Array.from({ length: count }, (_, n) => ({ N: n }))
    await (await docket.startBatch(sending, Out, items, { id: 'b', onError: 'collect', concurrency: 1_000 })).result()
    other = createDocket({ graphs: [sending], store, takeOver: false })
    await other.list()
  })

  test('for its results', async () => {
    const handle = await other.get('b')
    expect(await firedDuring(() => handle!.result())).toBeGreaterThan(0)
  })

  test('for its details', async () => {
    const handle = await other.get('b')
    expect(await firedDuring(() => handle!.details())).toBeGreaterThan(0)
  })

  test('when it goes on', async () => {
    expect(await firedDuring(() => other.retry('b'))).toBeGreaterThan(0)
    const handle = await other.get('b')
    expect(await handle!.result()).toHaveLength(count)
  })
})
