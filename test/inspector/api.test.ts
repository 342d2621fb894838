import {
  createDocket,
  dataType,
  fixed,
  graph,
  machineStep,
  signal,
  step,
  timer,
  type,
  update,
  durableStep,
} from 'docket'
import type { Docket } from 'docket'
import { createInspector } from 'docket/inspector'
import type { Inspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMachine } from 'xstate'
import { z } from 'zod'
import type {
  ExecutionRows,
  ExecutionView,
  MachineView,
  StartForm,
  StatusCounts,
  ValueView,
} from '../../src/inspector/protocol.ts'
import type { FleetView } from '../../src/inspector/fleet-protocol.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { PageClient } from './page-client.ts'

expectNoUnhandledErrors()

const Order = dataType(
  'Order',
  z.object({
    id: z.string(),
    items: z.array(z.object({ sku: z.string(), count: z.int().min(1) })),
    note: z.string().optional(),
  }),
)
const Card = dataType('Card', type<string>(), { sensitive: true })
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Picture = dataType('Picture', type<string>())
const Receipt = dataType('Receipt', type<string>())
const Later = dataType('Later', type<{ dueAt: Date }>())
let failures = 0
const draw = step({
  name: 'Draw',
  inputs: { order: Order },
  output: Picture,
  persist: 'execution',
  run: () => 'p'.repeat(20_000_000),
})
const charge = step({
  name: 'Charge',
  inputs: { order: Order, card: Card, approval: Approval, picture: Picture },
  output: Receipt,
  persist: 'execution',
  retry: { maxAttempts: 2, backoff: fixed(1) },
  run: ({ order, picture }) => {
    if (order.id === 'bad' && failures++ < 2) throw new Error('no money', { cause: new Error('bank closed') })
    return `receipt of ${order.id}, ${picture.length}`
  },
})
const wait = timer({ name: 'Wait', inputs: { order: Order }, output: Later, after: '1d' })
const shop = graph({ name: 'shop', steps: [signal(Approval), draw, charge, wait] })
const Add = update('Add', { input: type<number>(), output: type<number>() })
const Total = dataType('Total', type<number>())
const adder = durableStep({
  name: 'Adder',
  inputs: { order: Order },
  output: Total,
  receives: [Add],
  run: async (_, ctx) => {
    let total = 0
    while (total < 10) {
      const one = await ctx.receive(Add)
      total += one.value
      await one.reply(total)
    }
    return total
  },
})
const adders = graph({ name: 'adders', steps: [adder] })

const Note = dataType('Note', type<unknown>())
const Echo = dataType('Echo', type<unknown>())
const repeat = step({
  name: 'Repeat',
  inputs: { note: Note },
  output: Echo,
  persist: 'execution',
  run: ({ note }) => note,
})
const echoes = graph({ name: 'echoes', steps: [repeat] })

const Verdict = dataType('Verdict', type<string>())
const desk = machineStep({
  name: 'Desk',
  machine: createMachine({
    context: { key: 'secret-of-the-desk' },
    initial: 'open',
    states: { open: { on: { APPROVE: 'over' } }, over: { type: 'final' } },
    output: 'yes',
  }),
  inputs: {},
  output: Verdict,
  events: { APPROVE: Approval },
})
const desks = graph({ name: 'desks', steps: [desk] })

let docket: Docket
let inspector: Inspector
let page: PageClient
const alone = (id: string) => ({ Order: { id, items: [] } })
const order = (id: string) => ({ Order: { id, items: [] }, Card: 'secret-1234' })

beforeAll(async () => {
  docket = createDocket({
    graphs: [shop, adders, echoes, desks],
    store: memoryStore(),
    maxValueBytes: 64 * 1024 * 1024,
    name: 'shop',
    version: '1.2',
    queues: { nightly: { concurrency: 3 } },
  })
  inspector = await createInspector({ docket, allowActions: true, user: 'ada' })
  page = await PageClient.open(inspector)
})

afterAll(async () => {
  page.close()
  await inspector.close()
  await docket.close({ deadline: 0 })
})

const view = (id: string) => page.get<ExecutionView>(`execution?id=${id}`)

describe('what is shown', () => {
  test('of an execution is its whole plan: what each step depends on, waits for, has tried, and failed with', async () => {
    const handle = await docket.start(shop, Receipt, order('bad'), { id: 'bad', headers: { who: 'ada' } })
    await page.until(() => true)
    let shown = await view('bad')
    expect(shown).toMatchObject({
      kind: 'execution',
      graph: 'shop',
      target: 'Receipt',
      headers: { who: 'ada' },
      queue: 'default',
    })
    expect(shown.steps.map(({ step, dependsOn, kind }) => [step, kind, dependsOn])).toEqual([
      ['Approval', 'signal', []],
      ['Draw', 'step', []],
      ['Charge', 'step', ['Approval', 'Draw']],
    ])
    expect(shown.steps.find(({ step }) => step === 'Charge')?.waitsFor).toMatch(/^what .*Approval.* make/)
    await handle.signal(Approval, { by: 'ada' })
    await expect(handle.result()).rejects.toThrow('no money')
    shown = await view('bad')
    expect(shown.error).toMatchObject({ name: 'StepError', code: 'STEP_FAILED' })
    const charged = shown.steps.find(({ step }) => step === 'Charge')!
    expect(charged).toMatchObject({ status: 'failed', attempt: 2, error: { causes: [{ message: 'bank closed' }] } })
    expect(charged.attempts.map(({ attempt, error }) => [attempt, error?.message])).toEqual([
      [1, 'no money'],
      [2, 'no money'],
    ])
    expect((await page.get<ExecutionRows>('executions?errorCode=STEP_FAILED')).executions.map(({ id }) => id)).toEqual([
      'bad',
    ])
  })

  test('of an output of 20 MB is its size and its beginning, where it is requested, and nothing of it in lists and plans', async () => {
    const big = await view('bad')
    expect(JSON.stringify([big, await page.get('executions')]).length).toBeLessThan(100_000)
    const value = await page.get<ValueView>('value?id=bad&of=step&step=Draw')
    expect(value).toMatchObject({ type: 'Picture', bytes: 20_000_002, isCut: true, isSensitive: false })
    expect(value.text).toHaveLength(64 * 1024)
  })

  test('of a value of a sensitive type is that there is one', async () => {
    expect((await view('bad')).inputs).toEqual([
      { type: 'Order', isSensitive: false },
      { type: 'Card', isSensitive: true },
    ])
    const value = await page.get<ValueView>('value?id=bad&of=input&type=Card')
    expect(value).toMatchObject({ isSensitive: true, bytes: 0 })
    expect(value).not.toHaveProperty('text')
    expect(JSON.parse((await page.get<ValueView>('value?id=bad&of=input&type=Order')).text!)).toEqual({
      id: 'bad',
      items: [],
    })
  })

  test('of values whose graph is not known is what was declared when the execution began', async () => {
    const { store } = docket.options as { readonly store: ReturnType<typeof memoryStore> }
    await using onlooker = createDocket({ graphs: [], store, takeOver: false })
    await using beside = await createInspector({ docket: onlooker })
    const other = await PageClient.open(beside)
    expect(await other.get('value?id=bad&of=input&type=Card')).toMatchObject({ isSensitive: true, bytes: 0 })
    expect(await other.get('value?id=bad&of=input&type=Order')).toHaveProperty('text')
    other.close()
  })

  test('why a step is where it is, its statechart with its state, and what is to be given to start', async () => {
    expect(await page.get('why?id=bad&step=Charge')).toMatchObject({
      code: expect.any(String) as string,
      text: expect.stringContaining('bank closed') as string,
    })
    expect(await page.get('machine?id=bad&step=Charge')).toMatchObject({
      definition: { initial: 'pending' },
      value: 'failed',
    })
    const { inputs } = await page.get<StartForm>('form?graph=shop&target=Receipt')
    expect(inputs).toEqual([
      { type: 'Order', isOptional: false, example: { id: '', items: [{ sku: '', count: 1 }], note: '' } },
      { type: 'Card', isOptional: false },
    ])
  })

  test('the statechart of a machine of one’s own, with none of its values', async () => {
    await docket.start(desks, Verdict, {}, { id: 'desk' })
    await page.until(() => true)
    const shown = await page.get<MachineView>('machine?id=desk&step=Desk')
    expect(shown).toMatchObject({ definition: { initial: 'open', states: { over: { type: 'final' } } } })
    expect(JSON.stringify(shown)).not.toContain('secret')
  })

  test('counts by status, queues, workers and schedules', async () => {
    await docket.schedule('daily', { graph: shop, target: Later, inputs: alone('daily'), cron: '0 3 * * *' })
    await docket.schedule('often', { graph: shop, target: Later, inputs: alone('often'), every: '1h30m' })
    await docket
      .queue('default')
      .limits({ concurrency: { limit: 90, key: true }, rate: { limit: 9_000, per: 60_000, burst: 900 } })
    const { counts } = await page.get<StatusCounts>('counts')
    expect(counts['failed']).toEqual({ count: 1, isMore: false })
    const fleet = await page.get<FleetView>('fleet')
    const { executions } = await docket.list({ status: ['pending', 'running', 'waiting'] })
    const running = executions.filter(({ owner }) => owner !== undefined).length
    expect(fleet.workers).toMatchObject([{ name: 'shop', version: '1.2', running, queues: { default: 100 } }])
    expect(running).toBeGreaterThan(0)
    expect(fleet.queues).toMatchObject([
      { name: 'default', isPaused: false, limits: '90 at once per key, 9000 in 1m, a burst of 900' },
      // It is declared, and nobody serves it.
      { name: 'nightly', limits: '3 at once' },
    ])
    await docket.queue('default').limits(null)
    expect(fleet.schedules).toMatchObject([
      { name: 'daily', cadence: '0 3 * * *', isPaused: false },
      { name: 'often', cadence: 'every 1h30m' },
    ])
    expect(fleet).toMatchObject({ health: { isAlive: true, isReady: true, overruled: [] }, incompatible: [] })
    expect(fleet.health.storeMs).toBeGreaterThanOrEqual(0)
  })
})

describe('an act', () => {
  test('on many has an outcome for each, and those that have ended are left alone', async () => {
    for (let index = 0; index < 30; index++) await docket.start(shop, Later, alone(`m${index}`), { id: `m${index}` })
    for (let index = 0; index < 5; index++) await docket.cancel(`m${index}`)
    const { outcomes, isMore } = await page.act({ act: 'cancel', filter: { graph: 'shop' }, most: 1_000 })
    const mine = outcomes.filter(({ id }) => /^m\d+$/.test(id))
    expect([mine.filter(({ isDone }) => isDone).length, mine.filter(({ isDone }) => !isDone).length, isMore]).toEqual([
      25,
      5,
      false,
    ])
    expect(mine.find(({ id }) => id === 'm0')?.text).toBe('it has ended: cancelled')
    const some = await page.act({ act: 'delete', filter: { graph: 'shop', status: 'cancelled' }, most: 10 })
    expect([some.outcomes.length, some.isMore]).toEqual([10, true])
    const rest = await page.act({ act: 'delete', ids: ['m0', 'm1', 'm0', 'nobody'] })
    expect(rest.outcomes.map(({ id, isDone }) => [id, isDone])).toEqual(expect.arrayContaining([['nobody', false]]))
    expect(rest.outcomes).toHaveLength(3)
    await docket.start(shop, Later, alone('open'), { id: 'open' })
    const { outcomes: refused } = await page.act({ act: 'delete', ids: ['open'] })
    expect(refused).toMatchObject([{ id: 'open', isDone: false, text: expect.stringContaining('it has not ended: ') }])
    expect((await (await docket.get('open'))?.details())?.endedAt).toBeUndefined()
    await docket.cancel('open')
  })

  test('forks with values as they are edited: what JSON has no form for comes back as what it was', async () => {
    const given = {
      at: new Date('2026-05-01T12:00:00Z'),
      cents: 12n,
      names: new Map([['a', new Set([1])]]),
      bytes: new Uint8Array([1, 2]),
      $odd: 'a key',
      nothing: undefined,
    }
    await (await docket.start(echoes, Echo, { Note: given }, { id: 'echo' })).result()
    const { text = '' } = await page.get<ValueView>('value?id=echo&of=input&type=Note&form=typed')
    expect(text).toContain('"$date": "2026-05-01T12:00:00.000Z"')
    const edited: unknown = JSON.parse(text.replace('2026-05-01', '2026-05-02'))
    const {
      outcomes: [forked],
    } = await page.act({ act: 'fork', id: 'echo', from: 'Repeat', overrides: { Note: edited } })
    expect(forked).toMatchObject({ isDone: true })
    const fork = (await docket.get(forked!.newId!))!
    expect(await fork.result()).toEqual({ ...given, at: new Date('2026-05-02T12:00:00Z') })
    const wrong = await page.act({ act: 'fork', id: 'echo', from: 'Repeat', overrides: { Note: { $dat: 1 } } })
    expect(wrong.outcomes).toMatchObject([{ isDone: false, text: expect.stringContaining('tag') as string }])
    await expect(page.get('value?id=echo&of=input&type=Note&form=other')).rejects.toThrow('400')
    expect((await page.get<ValueView>('value?id=bad&of=input&type=Card&form=typed')).text).toBeUndefined()
  })

  test('goes on from a failed step with another value, in a fork, and retries, signals and reschedules', async () => {
    const {
      outcomes: [forked],
    } = await page.act({ act: 'fork', id: 'bad', from: 'Charge', overrides: { Picture: 'small' } })
    expect(forked).toMatchObject({ id: 'bad', isDone: true })
    await expect((await docket.get(forked!.newId!))!.result()).resolves.toBe('receipt of bad, 5')
    expect(await page.act({ act: 'retry', ids: ['bad'] })).toMatchObject({ outcomes: [{ isDone: true }] })
    await expect((await docket.get('bad'))!.result()).resolves.toBe('receipt of bad, 20000000')
    expect(await page.act({ act: 'retry', ids: ['bad'] })).toMatchObject({ outcomes: [{ isDone: false }] })
    const started = await page.act({ act: 'start', graph: 'shop', target: 'Receipt', inputs: order('new'), id: 'new' })
    expect(started).toMatchObject({ outcomes: [{ isDone: true, newId: 'new' }] })
    expect(await page.act({ act: 'signal', id: 'new', type: 'Approval', value: { who: 5 } })).toMatchObject({
      outcomes: [{ isDone: false }],
    })
    expect(await page.act({ act: 'signal', id: 'new', type: 'Approval', value: { by: 'bea' } })).toMatchObject({
      outcomes: [{ isDone: true }],
    })
    await expect((await docket.get('new'))!.result()).resolves.toContain('receipt of new')
    await docket.start(shop, Later, alone('late'), { id: 'late' })
    const at = new Date(Date.now() + 3_600_000).toISOString()
    expect(await page.act({ act: 'reschedule', id: 'late', timer: 'Wait', at })).toMatchObject({
      outcomes: [{ isDone: true, text: 'accepted' }],
    })
    expect(await page.act({ act: 'start', graph: 'shop', target: 'Receipt', inputs: { Order: 5 } })).toMatchObject({
      outcomes: [{ isDone: false }],
    })
  })

  test('sends updates, and pauses queues and schedules', async () => {
    const handle = await docket.start(adders, Total, { Order: { id: 'a', items: [] } }, { id: 'adder' })
    expect(await page.act({ act: 'update', id: 'adder', type: 'Add', value: 10 })).toMatchObject({
      outcomes: [{ isDone: true }],
    })
    await expect(handle.result()).resolves.toBe(10)
    await page.act({ act: 'pauseQueue', queue: 'mails' })
    expect((await docket.queue('mails').info()).note).toBe('by ada')
    await page.act({ act: 'resumeQueue', queue: 'mails' })
    expect((await docket.queue('mails').info()).pausedAt).toBeUndefined()
    await page.act({ act: 'pauseSchedule', schedule: 'daily' })
    expect((await docket.schedules.get('daily'))?.note).toBe('by ada')
    await page.act({ act: 'resumeSchedule', schedule: 'daily' })
    const {
      outcomes: [triggered],
    } = await page.act({ act: 'triggerSchedule', schedule: 'daily' })
    expect(triggered?.newId).toMatch(/^daily/)
    const [from, to] = ['2026-01-01T00:00:00Z', '2026-01-02T12:00:00Z']
    expect(await page.act({ act: 'backfillSchedule', schedule: 'daily', from, to })).toMatchObject({
      outcomes: [{ text: '2 started, 0 were there, 0 skipped' }],
    })
    expect(await page.act({ act: 'pauseSchedule', schedule: 'none' })).toMatchObject({ outcomes: [{ isDone: false }] })
  })

  test('is on record, with its author, before it is done, also where nothing came of it', async () => {
    const { acts } = await view('new')
    expect(acts).toMatchObject([
      { by: 'ada', act: 'signal', note: 'Approval' },
      { by: 'ada', act: 'signal', note: expect.stringMatching(/^not done: .*does not fit/) as string },
      { by: 'ada', act: 'signal', note: 'Approval' },
      { by: 'ada', act: 'start' },
    ])
    const all = (await docket.acts.list()).acts.map(({ act }) => act)
    expect(all).toEqual(
      expect.arrayContaining(['cancel', 'delete', 'retry', 'fork', 'update', 'pauseQueue', 'backfillSchedule']),
    )
  })
})

test('names and messages of any kind come as they are: JSON, and nothing that a browser takes for HTML', async () => {
  const name = '<img src=x onerror=alert(1)>\u001b[2J\u202e'
  const Odd = dataType('Odd', type<number>())
  const odd = graph({
    name: `odd ${name}`,
    steps: [
      step({
        name,
        inputs: {},
        output: Odd,
        persist: 'execution',
        run: () => {
          throw new Error(name.repeat(1_000))
        },
      }),
    ],
  })
  docket.addGraph(odd)
  await expect(docket.execute(odd, Odd, {}, { id: name })).rejects.toThrow()
  const shown = await page.get<ExecutionView>(`execution?id=${encodeURIComponent(name)}`)
  expect(shown.steps[0]).toMatchObject({ step: name, status: 'failed' })
  expect(shown.steps[0]!.error!.message.length).toBeLessThanOrEqual(500)
  const { headers } = await fetch(`${new URL(inspector.url).origin}/api/about`)
  expect(headers.get('content-type')).toBe('application/json')
})
