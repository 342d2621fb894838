import { createDocket } from 'docket'
import { beforeEach, expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { cli } from './call-cli.ts'
import { orders, Receipt, useStore } from './fixtures/shop.ts'

beforeEach(() => void useStore(memoryStore()))

test('a queue is paused, limited and resumed, and shown with what stands ready', async () => {
  await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"x"}'])
  expect((await cli(['queues', 'pause', 'default', '--note', 'rest'])).out).toBe('default  paused\n')
  await cli(['queues', 'limits', 'default', '--concurrency', '2', '--per-key', '--rate', '10/1m'])
  expect((await cli(['queues', 'list', '--json'])).json).toMatchObject([
    {
      queue: 'default',
      note: 'rest',
      pausedAt: expect.any(String),
      ready: 1,
      running: 0,
      limits: { concurrency: { limit: 2, key: true }, rate: { limit: 10, per: 60_000 } },
    },
  ])
  expect((await cli(['queues', 'list'])).out).toMatch(/default {2}paused: rest .*2 at once per key, 10 in 1m/)
  expect(await cli(['queues'])).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^QUEUE .*\ndefault /) })
  expect((await cli(['queues', '--json'])).json).toMatchObject([{ queue: 'default', ready: 1 }])
  expect((await cli(['queues', '--help'])).out).toMatch(/pause .*\n.*resume/)
  const burst = await cli(['queues', 'limits', 'default', '--rate', '10/1m', '--burst', '3'])
  expect(burst.out).toBe('default  paused, 10 in 1m, a burst of 3\n')
  expect((await cli(['queues', 'resume', 'default'])).code).toBe(0)
  expect((await cli(['queues', 'limits', 'default', '--declared', '--json'])).json).toMatchObject([
    { limits: {}, pausedAt: null },
  ])
  expect((await cli(['queues', 'limits', 'default'])).code).toBe(2)
  expect((await cli(['queues', 'limits', 'default', '--rate', 'often'])).err).toMatch(/must be like 10\/1m/)
})

test('a queue that nobody knows is paused with a warning, which names the one that may be meant', async () => {
  await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"x"}'])
  expect(await cli(['queues', 'pause', 'defualt'])).toMatchObject({
    code: 0,
    out: 'defualt  paused\n',
    err: 'warning: no worker serves queue "defualt", and nothing is in it; did you mean "default"?\n',
  })
  expect((await cli(['queues', 'pause', 'default'])).err).toBe('')
  expect((await cli(['queues', 'limits', 'nope', '--concurrency', '1'])).err).toMatch(
    /^warning: no worker serves queue "nope", and nothing is in it\n$/,
  )
})

test('a queue with an old execution that nobody serves, and an empty one that is paused, are listed, however many others stand before them', async () => {
  const store = memoryStore()
  useStore(store)
  await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"x"}', '--queue', 'gpu'])
  await using docket = createDocket({ graphs: [orders], store, work: false })
  const starts = Array.from({ length: 1_001 }, (_, index) => ({ inputs: { Order: { id: String(index) } } }))
  await docket.startMany(orders, Receipt, starts)
  await cli(['queues', 'pause', 'night', '--note', 'rest'])
  await cli(['queues', 'pause', 'resumed'])
  await cli(['queues', 'resume', 'resumed'])
  expect((await cli(['queues', 'list', '--json'])).json).toMatchObject([
    { queue: 'default', ready: 1_001 },
    { queue: 'gpu', ready: 1 },
    { queue: 'night', ready: 0, note: 'rest' },
  ])
  const { out } = await cli(['doctor'])
  expect(out).toMatch(
    /^PROBLEM {2}queue gpu: 1 execution could go on, and no process that lives serves the queue: start your program with work: \{ "gpu": 100 \}, or docket worker$/m,
  )
  expect(out).toMatch(/^warning {2}queue night: it is paused since .* \(rest\), with 0 ready/m)
})
