import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { commitTo, message, newExecution, stepRecord } from '../../src/testing/conformance/records.ts'
import { createDocket, dataType, graph, race, signal, step, type } from '../../src/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import { placeMaker, sqlKinds } from './place.ts'
import type { Place } from './place.ts'

const newPlace = await placeMaker()

const secret = 'planted-value-4713'
const stored = JSON.stringify({ secret })

/** Everything that a person, a logger or a database could see of an error. */
function visible(error: unknown): string {
  return [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error)].join('\n')
}

async function errorOf(act: Promise<unknown>): Promise<unknown> {
  try {
    await act
  } catch (thrown) {
    return thrown
  }
  throw new Error('it should have failed')
}

/** Has a table refuse all that is written to it, or the rows that fit. */
async function refuse(place: Place, table: string, when = '1 = 1'): Promise<void> {
  const { kind, sql } = place
  if (kind === 'postgres')
    await sql(`alter table docket_${table} add constraint never check (not (${when.replaceAll('new.', '')})) not valid`)
  const raise = kind === 'sqlite' ? `select raise(abort, 'never') where ${when};` : ''
  if (kind === 'sqlite')
    for (const event of ['insert', 'update'])
      await sql(`create trigger never_${table}_${event} before ${event} on docket_${table} begin ${raise} end`)
  // A message is refused for good, as by a constraint; a state of one's own may pass, and the call would be tried again for half a minute.
  const state = table === 'mailbox' ? '23000' : '45000'
  const fail = `begin if ${when} then signal sqlstate '${state}' set message_text = 'never'; end if; end`
  if (kind === 'mysql')
    for (const event of ['insert', 'update'])
      await sql(`create trigger never_${table}_${event} before ${event} on docket_${table} for each row ${fail}`)
}

/** Has it take all of it again: what is left can end. */
async function allow({ kind, sql }: Place, table: string): Promise<void> {
  if (kind === 'postgres') await sql(`alter table docket_${table} drop constraint never`)
  else for (const event of ['insert', 'update']) await sql(`drop trigger never_${table}_${event}`)
}

/** Calls that carry values, each of which a store refuses. */
const writes: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  create: (store) => store.create([newExecution('new', { owner: 'ada', inputs: stored })]),
  commit: (store) => store.commit([commitTo('x', { steps: [stepRecord('A', { output: stored })] })]),
  'commit of an error': (store) =>
    store.commit([commitTo('x', { steps: [], head: { status: 'failed', error: stored, endedAt: 1 } })]),
  'commit of what undoing needs': (store) =>
    store.commit([commitTo('x', { steps: [stepRecord('$inputs A', { type: '$undo', output: stored })] })]),
  'commit of a race': (store) =>
    store.commit([commitTo('x', { steps: [stepRecord('R', { status: 'running', output: stored })] })]),
  park: (store) => store.commit([commitTo('x', { park: { lastSeq: 9, waitsFor: stored } })]),
  post: (store) => store.post([message('x', 'signal', { payload: stored })]),
  'post with a receipt': (store) => store.post([message('x', 'signal', { id: secret, slot: secret, payload: stored })]),
  commitResults: (store) =>
    store.commitResults([
      { key: 'k', owner: 'ada', epoch, at: 1, outcome: { status: 'completed', output: stored, ttlMs: undefined } },
    ]),
}
let epoch = 0

async function prepare(store: Store): Promise<void> {
  await store.open()
  await store.renewOwner('ada', 600_000)
  await store.create([newExecution('x', { owner: 'ada', startedAt: 1 })])
  const claim = { key: 'k', namespace: 'n', step: 's', version: '', type: 't', owner: 'ada', at: 1 }
  const [state] = await store.claimResults([claim])
  epoch = (state as { readonly epoch: number }).epoch
}

describe.each(sqlKinds)('on %s', (kind) => {
  test('no error of a refused write shows what was to be written', async () => {
    const place = await newPlace(kind)
    const store = place.createStore()
    onTestFinished(() => store.close())
    await prepare(store)
    for (const table of ['executions', 'steps', 'mailbox', 'receipts', 'results']) await refuse(place, table)
    for (const [name, write] of Object.entries(writes)) {
      const shown = visible(await errorOf(write(store)))
      expect(shown, name).toContain('never')
      expect(shown, name).not.toContain(secret)
    }
  })

  test('no caller, warning, event or stored error shows it where signals, races and undoings are refused', async () => {
    const place = await newPlace(kind)
    const Reply = dataType('Reply', type<string>())
    const [Order, Booking, Bill] = [
      dataType('Order', type<string>()),
      dataType('Booking', type<string>()),
      dataType('Bill', type<string>()),
    ]
    const Decided = dataType('Decided', type<string>())
    const waits = graph({ name: 'waits', steps: [signal(Reply)] })
    const trip = graph({
      name: 'trip',
      steps: [
        step({
          name: 'Book',
          inputs: { order: Order },
          output: Booking,
          timeout: '2s',
          run: ({ order }) => order,
          compensate: () => {},
        }),
        step({
          name: 'Pay',
          inputs: { booking: Booking },
          output: Bill,
          run: (): string => {
            throw new Error('no credit')
          },
        }),
      ],
    })
    const Late = dataType('Late', type<string>())
    const inputs = { order: Order }
    const fast = step({ name: 'Fast', inputs, output: Booking, run: ({ order }) => order })
    const late = step({
      name: 'Late',
      inputs,
      output: Late,
      run: ({ order }, { signal: ends }) => sleep(10_000, order, { signal: ends }),
    })
    const first = race({
      name: 'First',
      inputs: { one: Booking, other: Late },
      output: Decided,
      run: ({ value }) => value,
    })
    const contest = graph({ name: 'contest', steps: [fast, late, first] })
    const seen: unknown[] = []
    const onWarning = (warning: Error): void => void seen.push(warning)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const docket = createDocket({
      graphs: [waits, trip, contest],
      store: place.createStore(),
      observers: [(event) => void seen.push(event)],
    })
    onTestFinished(() => docket.close({ deadline: 0 }))
    const handle = await docket.start(waits, Reply, {}, { id: 'waits' })
    await refuse(place, 'mailbox')
    await refuse(place, 'steps', `new.step like '$%' or new.step = 'First'`)
    seen.push(await errorOf(handle.signal(Reply, secret)))
    // What ends them is refused as well, and tried again for as long as the store refuses it.
    await docket.start(trip, Bill, { Order: secret }, { id: 'trip' })
    await docket.start(contest, Decided, { Order: secret }, { id: 'contest' })
    await sleep(3_000)
    // Values are inputs and outputs of steps; what is looked at is all else.
    const shown = seen.map(visible).join('\n')
    expect(shown).not.toContain(secret)
    for (const table of ['executions', 'steps'])
      for (const { error } of await place.sql(`select error from docket_${table}`))
        expect(visible(error), table).not.toContain(secret)
    for (const table of ['mailbox', 'steps']) await allow(place, table)
  })
})

test('no error of a Redis that refuses shows what was to be written', async () => {
  const redis = await startRedis()
  onTestFinished(async () => redis.stop())
  const store = redisStore({ url: redis.url })
  onTestFinished(() => store.close())
  await prepare(store)
  await withRedis(redis.port, async (client) => void (await client.config('SET', 'maxmemory', '1')))
  for (const [name, write] of Object.entries(writes)) {
    const shown = visible(await errorOf(write(store)))
    expect(shown, name).toContain('OOM')
    expect(shown, name).not.toContain(secret)
  }
})
