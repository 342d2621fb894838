import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

const N = dataType('N', type<number>())
const Out = dataType('Out', type<number>())
const send = step({ name: 'Send', inputs: { n: N }, output: Out, persist: 'execution', run: ({ n }) => n })
const sending = graph({ name: 'sending', steps: [send] })
const count = 500

/** Counts how often timers have fired. */
function timersFired(): { readonly times: () => number; readonly stop: () => void } {
  let fired = 0
  const timer = setInterval(() => fired++, 0)
  return { times: () => fired, stop: () => clearInterval(timer) }
}

// A store that answers at once: nothing but the docket itself lets timers fire.
describe('a loop over answers of a store in this process lets timers fire: of', () => {
  const store = memoryStore()
  let docket: Docket

  beforeAll(async () => {
    docket = createDocket({ graphs: [sending], store })
    const starts = Array.from({ length: count }, (_, n) => ({ inputs: { N: n }, id: `e${n}` }))
    const started = await docket.startMany(sending, Out, starts)
    await Promise.all(started.map(({ handle }) => handle!.result()))
  })
  afterAll(() => docket.close())

  const calls: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
    list: () => docket.list({ limit: 10 }),
    count: () => docket.count({ graph: 'sending' }),
    get: (id) => docket.get(id),
    info: async (id) => (await docket.get(id))!.info(),
    mailbox: (id) => docket.mailbox(id),
  }

  test.each(Object.keys(calls))('%s', async (name) => {
    const { times, stop } = timersFired()
    // It ends with the first timer; without one, long after work may hold the event loop.
    for (let n = 0; n < 20_000 && times() === 0; n++) await calls[name]!(`e${n % count}`)
    expect(times()).toBeGreaterThan(0)
    stop()
  })

  test('pages that are long', async () => {
    const decoded: number[] = []
    let isLooked = false
    const { times, stop } = timersFired()
    const codec = {
      name: 'slow',
      encode: (bytes: Uint8Array) => bytes,
      decode: (bytes: Uint8Array) => {
        decoded.push(times())
        const until = isLooked ? performance.now() + 0.2 : 0
        while (performance.now() < until);
        return bytes
      },
    }
    await using coded = createDocket({ graphs: [sending], store: memoryStore(), codecs: [codec] })
    const starts = Array.from({ length: count }, (_, n) => ({ inputs: { N: n } }))
    const started = await coded.startMany(sending, Out, starts)
    await Promise.all(started.map(({ handle }) => handle!.result()))
    decoded.length = 0
    isLooked = true
    await coded.list({ limit: count })
    expect(decoded.at(-1)).toBeGreaterThan(decoded[0]!)
    stop()
  })
})

test('very many starts are encoded in portions that let timers fire', async () => {
  const encoded: number[] = []
  const { times, stop } = timersFired()
  const codec = {
    name: 'counting',
    encode: (bytes: Uint8Array) => {
      encoded.push(times())
      return bytes
    },
    decode: (bytes: Uint8Array) => bytes,
  }
  await using docket = createDocket({ graphs: [sending], store: memoryStore(), codecs: [codec], work: false })
  await docket.list()
  const starts = Array.from({ length: 4_000 }, (_, n) => ({ inputs: { N: n } }))
  await docket.startMany(sending, Out, starts)
  expect(encoded.at(-1)).toBeGreaterThan(encoded[0]!)
  stop()
})
