import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { CommandOptions } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { cli } from './call-cli.ts'
import { openShop, Receipt, useOptions, useStore } from './fixtures/shop.ts'

beforeEach(() => void useStore(memoryStore()))
afterEach(() => useOptions())

test('docket worker runs what waits, until it is interrupted', async () => {
  await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"x"}', '--id', 'o'])
  const interruption = new AbortController()
  const working = cli(['worker', '--queue', 'default=3'], { signal: interruption.signal })
  expect((await cli(['show', 'o', '--follow'])).code).toBe(0)
  interruption.abort()
  expect(await working).toMatchObject({
    code: 0,
    out: 'worker of orders, parcels on memory, queues: default=3\nclosed\n',
  })
  expect((await cli(['worker', '--queue', 'default=none'])).code).toBe(2)
})

test.each<[string[], CommandOptions, string]>([
  [[], {}, 'default=100'],
  [[], { work: { gpu: 1, usual: undefined } }, 'gpu=1, usual=100'],
  [['--queue', 'gpu', '--queue', 'a=b=2'], { work: { other: 1 } }, 'gpu=100, a=b=2'],
  [[], { work: false }, 'none'],
])(
  'docket worker %j of a docket with %j says which queues it serves, and with how many slots: %s',
  async (argv, options, queues) => {
    useOptions(options)
    const interruption = new AbortController()
    const onOut = (): void => interruption.abort()
    const { code, out, err } = await cli(['worker', ...argv], { signal: interruption.signal, onOut })
    expect({ code, out }).toEqual({ code: 0, out: `worker of orders, parcels on memory, queues: ${queues}\nclosed\n` })
    expect(err.startsWith('warning: it serves no queue')).toBe(queues === 'none')
  },
)

test('docket worker says which executions it leaves to other versions of the program', async () => {
  const store = useStore(memoryStore())
  const Order = dataType('Order', type<{ id: string }>())
  const Payment = dataType('Payment', type<string>(), { version: '2' })
  const held = Promise.withResolvers<string>()
  const pay = step({ name: 'Pay', inputs: { order: Order }, output: Payment, persist: 'execution', run: () => 'paid' })
  const ship = step({ name: 'Ship', inputs: { payment: Payment }, output: Receipt, run: () => held.promise })
  const newer = createDocket({ graphs: [graph({ name: 'orders', steps: [pay, ship] }) as never], store })
  const handle = await newer.startByName('orders', 'Receipt', { Order: { id: '1' } }, { id: 'newer' })
  await expect.poll(async () => (await handle.details()).steps[0]?.status).toBe('completed')
  // The store is closed with the last docket that uses it.
  await using _ = openShop({ work: false })
  await newer.close({ deadline: 0 })
  const interruption = new AbortController()
  const onErr = (text: string): void => void (text.startsWith('left alone') && interruption.abort())
  const { code, err } = await cli(['worker'], { signal: interruption.signal, onErr })
  expect(code).toBe(0)
  expect(err).toMatch(
    /^left alone: newer of orders can’t go on here: .*version 2.* \(docket doctor lists all\)\nclosing/,
  )
})
