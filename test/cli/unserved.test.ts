import { createDocket } from 'docket'
import type { Store } from 'docket'
import { beforeEach, expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { alteredStore } from '../durable/altered-store.ts'
import { cli } from './call-cli.ts'
import { orders, Receipt, useStore } from './fixtures/shop.ts'

let store: Store

beforeEach(() => void (store = useStore(memoryStore())))

const order = ['-i', 'Order={"id":"1"}']
const unserved = (queue: string): string =>
  `no process that lives serves queue "${queue}": start your program, or docket worker\n`
const errOf = async (...argv: readonly string[]): Promise<string> => (await cli(argv)).err
const failed = (id: string): Promise<unknown> =>
  cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"broken"}', '--id', id, '-q'])

test('start, fork, signal and retry say it where no process that lives serves the queue', async () => {
  expect(await errOf('start', 'orders', 'Approved', ...order, '--id', 'a')).toBe(unserved('default'))
  expect(await errOf('start', 'orders', 'Receipt', ...order, '--queue', 'gpu')).toBe(unserved('gpu'))
  expect(await errOf('signal', 'a', 'Approval', '--value', '{"by":"Ada"}')).toBe(unserved('default'))
  await cli(['run', 'orders', 'Receipt', ...order, '--id', 'r', '-q'])
  expect(await errOf('fork', 'r', '--from', 'Ship', '--id', 'f')).toBe(unserved('default'))
  await failed('x')
  await failed('y')
  expect(await cli(['retry', 'x'])).toMatchObject({ code: 0, out: 'x  retried\n', err: unserved('default') })
  await cli(['cancel', 'x'])
  expect(await errOf('retry', 'x', 'y', '--yes')).toBe(`2 retried\n${unserved('default')}`)
})

test('update says it before it waits for an answer, reschedule and a trigger of a schedule once they are done', async () => {
  await cli(['start', 'parcels', 'Parcel', '-i', 'Address=Elm', '--id', 'p'])
  const update = ['update', 'p', 'Move', '--value', '{"street":"Oak"}', '--wait', '1ms']
  expect((await errOf(...update)).startsWith(unserved('default'))).toBe(true)
  await cli(['start', 'orders', 'Reminded', ...order, '--id', 't'])
  expect(await errOf('reschedule', 't', 'Remind', '2h')).toBe(unserved('default'))
  await using docket = createDocket({ graphs: [orders], store, work: false, takeOver: false })
  await docket.schedule('nightly', {
    graph: orders,
    target: Receipt,
    inputs: { Order: { id: 'n' } },
    cron: '0 3 * * *',
  })
  expect(await errOf('schedules', 'trigger', 'nightly')).toBe(unserved('default'))
})

test('they say nothing of it where one does, where it was not done, and of what has ended or runs', async () => {
  await cli(['run', 'orders', 'Receipt', ...order, '--id', 'r', '-q'])
  expect(await errOf('start', 'orders', 'Receipt', ...order, '--id', 'r')).toBe('')
  expect(await errOf('retry', 'r')).toBe('')
  await failed('x')
  expect(await errOf('retry', 'x', '--dry-run')).toBe('')
  await using worker = createDocket({ graphs: [orders], store, park: '1h' })
  expect(await errOf('retry', 'x')).toBe('')
  expect(await errOf('start', 'orders', 'Approved', ...order, '--id', 'a')).toBe('')
  await expect.poll(async () => (await (await worker.get('a'))!.info()).status).toBe('waiting')
  expect(await errOf('signal', 'a', 'Approval', '--value', '{"by":"Ada"}')).toBe('')
})

test('they say nothing of it where a process that lives has the execution, though it takes nothing else', async () => {
  await using owner = createDocket({ graphs: [orders], store, park: '1h', takeOver: false })
  const { id } = await owner.startByName('orders', 'Approved', { Order: { id: '2' } })
  expect(await owner.workers()).toMatchObject([{ queues: {} }])
  await expect.poll(async () => (await (await owner.get(id))!.info()).status).toBe('waiting')
  expect(await errOf('signal', id, 'Approval', '--value', '{"by":"Ada"}')).toBe('')
})

test('what was done is no failure where it can not be read who serves the queue', async () => {
  useStore(
    alteredStore(memoryStore(), (method, ask) =>
      method === 'readWorkers' ? Promise.reject(new Error('it is gone')) : ask(),
    ),
  )
  expect(await cli(['start', 'orders', 'Receipt', ...order, '--id', 'a'])).toMatchObject({
    code: 0,
    out: 'a\n',
    err: '',
  })
})

test('what a schedule has started is no failure where it can not be read afterwards', async () => {
  let isStarted = false
  store = useStore(
    alteredStore(memoryStore(), (method, ask) => {
      if (method === 'get' && isStarted) return Promise.reject(new Error('it is gone'))
      isStarted ||= method === 'create'
      return ask()
    }),
  )
  await using docket = createDocket({ graphs: [orders], store, work: false, takeOver: false })
  await docket.schedule('nightly', {
    graph: orders,
    target: Receipt,
    inputs: { Order: { id: 'n' } },
    cron: '0 3 * * *',
  })
  expect(await cli(['schedules', 'trigger', 'nightly'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^nightly\//),
    err: '',
  })
})
