import { getEventListeners } from 'node:events'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { alteredStore } from '../durable/altered-store.ts'
import { cli } from './call-cli.ts'
import type { CliOutcome } from './call-cli.ts'
import { createDocket } from '../../src/index.ts'
import { openShop, orders, Receipt, useStore } from './fixtures/shop.ts'

beforeEach(() => void useStore(memoryStore()))

const started = (id: string, ...more: readonly string[]): Promise<CliOutcome> =>
  cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"x"}', '--id', id, ...more])
const failed = (id: string): Promise<CliOutcome> =>
  cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"broken"}', '--id', id, '-q'])
const approve = (value: string): Promise<CliOutcome> => cli(['signal', 'o', 'Approval', '--value', value])
const unserved = 'no process that lives serves queue "default": start your program, or docket worker\n'
const statusOf = async (id: string): Promise<unknown> => (await cli(['show', id, '--json'])).json[0]?.['status']

describe('docket run', () => {
  test('leaves nothing that waits for an interruption', async () => {
    const { signal } = new AbortController()
    expect(
      (await cli(['run', 'orders', 'Receipt', '-q', '-i', 'Order={"id":"7"}', '--id', 'o'], { signal })).code,
    ).toBe(0)
    expect((await cli(['delete', 'o'], { signal, typed: 'y\n' })).code).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('prints the value on stdout, and what steps do on stderr', async () => {
    const { code, out, err } = await cli(['run', 'orders', 'Receipt', '--input', '{"Order":{"id":"7"}}'])
    expect({ code, out }).toEqual({ code: 0, out: 'payment of 7, shipped\n' })
    expect(err).toBe('  Pay runs\n  Pay completed\n  Ship runs\n  Ship completed\n')
  })

  test('exits with 1 where the execution fails, and prints why on stderr', async () => {
    const { code, out, err } = await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"broken"}', '--id', 'o', '-q'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(
      /^o failed\n {2}error .*STEP_FAILED.*\n {16}because NonRetryableError .*the card was refused\n$/,
    )
    const json = await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"broken"}', '--json', '-q'])
    expect(json.json).toMatchObject([{ status: 'failed', output: null, error: { code: 'STEP_FAILED' } }])
  })

  test('reads inputs from stdin, and single values that are texts', async () => {
    expect((await cli(['run', 'orders', 'Receipt', '-q', '-i', '-'], { piped: '{"Order":{"id":"8"}}' })).out).toMatch(
      /8/,
    )
    expect((await cli(['run', 'orders', 'Receipt', '-q', '-i', 'Order=-'], { piped: '{"id":"9"}' })).out).toMatch(/9/)
    const override = ['--override', 'Payment=cash']
    expect((await cli(['run', 'orders', 'Receipt', '-q', ...override])).out).toBe('cash, shipped\n')
  })

  test.each([
    [['orders', 'Receipt', '-i', 'Order={"id":7}'], /Order\.id: .*expected string/],
    [['orders', 'Receipt', '-i', '{'], /--input is no JSON/],
    [['orders', 'Receipt', '-i', 'Order={id:1}'], /--input Order begins like JSON, but is none: .*in quotes/],
    [['orders', 'Receipt', '-i', 'Order= ["1"'], /--input Order begins like JSON/],
    [['orders', 'Receipt', '-i', 'Order="1'], /--input Order begins like JSON/],
    [['orders', 'Receipt', '-i', 'Ordr={}'], /Ordr: unknown input.*did you mean "Order"\?/],
    [['orders', 'Receipt', '-i', 'Order=1', '-i', 'Order=2'], /gives "Order" twice/],
    [
      ['orders', 'Reciept'],
      /^error: no step of graph "orders" produces "Reciept"; it makes Payment, Receipt, .*; did you mean "Receipt"\?\n$/,
    ],
    [
      ['ordres', 'Receipt'],
      /^error: no graph here is named "ordres"; there are orders, parcels; did you mean "orders"\?\n$/,
    ],
    [['x', 'Receipt'], /^error: no graph here is named "x"; there are orders, parcels\n$/],
    [['orders'], /missing required argument 'target'/],
    [['orders', 'Receipt', 'more'], /too many arguments/],
    [['orders', 'Receipt', '--deadline', 'soon'], /"soon" is no time/],
  ])('refuses %j with 2 before anything runs', async (argv, message) => {
    const { code, err } = await cli(['run', ...argv])
    expect(code).toBe(2)
    expect(err).toMatch(message)
    expect((await cli(['list', '--json'])).json).toEqual([])
  })

  test('ends with 130 when it is interrupted, and another process goes on with the execution', async () => {
    const interruption = new AbortController()
    const running = cli(['run', 'orders', 'Approved', '-i', 'Order={"id":"9"}', '--id', 'o'], {
      signal: interruption.signal,
      onErr: (text) => void (text.includes('Approval waits') && interruption.abort()),
    })
    expect(await running).toMatchObject({
      code: 130,
      out: '',
      err: expect.stringMatching(/whatever process serves its queue goes on/),
    })
    expect((await cli(['signal', 'o', 'Approval', '--value', '{"by":"Ada"}'])).code).toBe(0)
    await using worker = openShop({})
    expect(await (await worker.get('o'))!.result()).toBe('payment of 9, approved by Ada')
  })
})

test('docket start starts an execution of an id once, and it does not run in its process', async () => {
  expect((await started('o')).out).toBe('o\n')
  expect((await started('o', '--json')).json).toEqual([{ id: 'o', outcome: expect.any(String) }])
  expect(await statusOf('o')).toBe('pending')
  const other = await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"another"}', '--id', 'o'])
  expect(other).toMatchObject({ code: 4, err: expect.stringMatching(/error: /) })
})

describe('acts on one execution', () => {
  test('cancel ends it, once', async () => {
    await started('o')
    expect(await cli(['cancel', 'o'])).toMatchObject({ code: 0, out: 'o  cancelled\n' })
    expect(await statusOf('o')).toBe('cancelled')
    expect(await cli(['cancel', 'o'])).toMatchObject({ code: 4, out: 'o  refused: it has ended: cancelled\n' })
    expect(await cli(['cancel', 'p'])).toMatchObject({ code: 3, out: expect.stringMatching(/^p {2}notFound/) })
  })

  test('cancel says why, in the execution and in what is on record of the act', async () => {
    await started('o')
    await cli(['cancel', 'o', '--reason', 'by its customer'])
    expect((await cli(['show', 'o'])).out).toMatch(/was cancelled on request\n +because by its customer\n/)
    expect((await cli(['acts', 'o'])).out).toMatch(/ cancel +o +by its customer\n/)
  })

  test('cancel of what another process runs says that it is requested, until that has ended it', async () => {
    const held = Promise.withResolvers<void>()
    let isHeld = false
    const store = useStore(
      alteredStore(memoryStore(), (method, ask) => (method === 'commit' && isHeld ? held.promise.then(ask) : ask())),
    )
    await cli(['start', 'orders', 'Approved', '-i', 'Order={"id":"1"}', '--id', 'p'])
    await using worker = createDocket({ graphs: [orders], store, park: '1h' })
    await expect.poll(() => statusOf('p')).toBe('waiting')
    isHeld = true
    expect(await cli(['cancel', 'p', '--json'])).toMatchObject({ code: 0, json: [{ id: 'p', outcome: 'requested' }] })
    held.resolve()
    await expect((await worker.get('p'))!.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
    expect((await cli(['acts', 'p', '--json'])).json).toMatchObject([{ act: 'cancel', note: null }, { act: 'start' }])
  })

  test('retry lets it go on elsewhere', async () => {
    await failed('o')
    expect(await cli(['retry', 'o', '--json'])).toMatchObject({ code: 0, json: [{ id: 'o', outcome: 'retried' }] })
    expect(await statusOf('o')).not.toBe('failed')
    expect(await cli(['retry', 'o'])).toMatchObject({ code: 4, out: expect.stringMatching(/it has not ended/) })
  })

  test('fork begins another one from a step', async () => {
    await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"1"}', '--id', 'o'])
    expect(await cli(['fork', 'o', '--from', 'Ship', '--id', 'p'])).toMatchObject({ code: 0, out: 'p\n' })
    expect((await cli(['list', '--forked-from', 'o', '--json'])).json).toMatchObject([{ id: 'p', status: 'pending' }])
    const other = await cli(['fork', 'o', '--override', 'Payment=cash', '--id', 'q2'])
    expect(other).toMatchObject({ code: 0, out: 'q2\n' })
    await using worker = openShop({})
    expect(await (await worker.get('q2'))!.result()).toBe('cash, shipped')
    expect((await cli(['fork', 'o'])).err).toMatch(/--from <step>/)
    expect(await cli(['fork', 'o', '--from', 'Shp'])).toMatchObject({ code: 2, err: expect.stringMatching(/Ship/) })
    expect((await cli(['fork', 'q', '--from', 'Ship'])).code).toBe(3)
  })

  test('delete asks first, also for one', async () => {
    await failed('o')
    expect(await cli(['delete', 'o'])).toMatchObject({ code: 2, err: expect.stringMatching(/add --yes/) })
    expect(await cli(['delete', 'o'], { typed: 'n\n' })).toMatchObject({
      code: 4,
      err: expect.stringMatching(/nothing was done/),
    })
    expect(await cli(['delete', 'o'], { typed: 'y\n' })).toMatchObject({ code: 0, out: 'o  deleted\n' })
    expect((await cli(['show', 'o'])).code).toBe(3)
  })

  test('signal gives it a value that fits, and says what became of it', async () => {
    await cli(['start', 'orders', 'Approved', '-i', 'Order={"id":"1"}', '--id', 'o'])
    expect(await approve('{"by":1}')).toMatchObject({ code: 2, err: expect.stringMatching(/Approval\.by/) })
    expect(await cli(['signal', 'o', 'Aproval', '--value', '1'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/did you mean "Approval"\?/),
    })
    expect(await approve('{"by":"Ada"}')).toMatchObject({ code: 0, out: 'o  accepted\n' })
    expect((await approve('{"by":"Bea"}')).out).toBe('o  duplicate\n')
    expect((await cli(['signal', 'o', 'Approval'])).err).toMatch(/--value <json> says what is sent/)
    expect(await cli(['signal', 'o', 'Approval', '--value', '{by:1}'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--value begins like JSON, but is none/),
    })
    await cli(['cancel', 'o'])
    expect(await approve('{"by":"Cy"}')).toMatchObject({ code: 4 })
  })

  test('update prints the answer', async () => {
    await cli(['start', 'parcels', 'Parcel', '-i', 'Address=Elm', '--id', 'p'])
    await using worker = openShop({})
    const move = await cli(['update', 'p', 'Move', '--value', '{"street":"Oak"}'])
    expect(move).toMatchObject({ code: 0, out: '"from Elm to Oak"\n' })
    expect(await (await worker.get('p'))!.result()).toBe('Oak')
    expect((await cli(['update', 'p', 'Mov', '--value', '1'])).err).toMatch(/did you mean "Move"\?/)
  })

  test('update succeeds, and hides its answer, where nobody can say any more whether that is sensitive', async () => {
    let isAnswered = false
    useStore(
      alteredStore(memoryStore(), (method, ask, [given]) => {
        // What is answered is consumed; a slow worker commits before that, too.
        if (method === 'commit')
          isAnswered ||= (given as readonly ExecutionCommit[]).some(({ consumed = [] }) => consumed.length > 0)
        // It was deleted.
        return method === 'get' && isAnswered ? Promise.resolve([undefined]) : ask()
      }),
    )
    await cli(['start', 'parcels', 'Parcel', '-i', 'Address=Elm', '--id', 'p'])
    const worker = openShop({})
    expect(await cli(['update', 'p', 'Move', '--value', '{"street":"Oak"}'])).toMatchObject({
      code: 0,
      out: '"[sensitive]"\n',
      err: expect.stringMatching(/could not be found out .*: it is not shown/),
    })
    await worker.close()
  })

  test('reschedule moves a timer', async () => {
    await cli(['start', 'orders', 'Reminded', '-i', 'Order={"id":"1"}', '--id', 'o'])
    expect(await cli(['reschedule', 'o', 'Remind', '2h'])).toMatchObject({ code: 0, out: 'o  accepted\n' })
    expect(await cli(['reschedule', 'o', 'Remnd', '2h'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/Remind/),
    })
    expect((await cli(['reschedule', 'o', 'Remind', 'tomorrow'])).code).toBe(2)
  })
})

test('every act is on record with its user and machine before it is done', async () => {
  await started('o')
  await cli(['cancel', 'o'])
  await cli(['queues', 'pause', 'default'])
  const { json } = await cli(['acts', '--json'])
  const by = expect.stringMatching(/^\S+@\S+$/)
  expect(json).toMatchObject([
    { by, act: 'pauseQueue', execution: null, note: 'default' },
    { by, act: 'cancel', execution: 'o', note: null },
    { by, act: 'start', execution: 'o', note: 'orders Receipt' },
  ])
  expect((await cli(['acts', 'o'])).out).toMatch(/^AT .*\n\S+ .* cancel +o\n\S+ .* start +o +orders Receipt\n$/)
})

test('an act that came to nothing says so on record', async () => {
  await cli(['start', 'orders', 'Approved', '-i', 'Order={"id":"1"}', '--id', 'o'])
  await approve('{"by":"Ada"}')
  await approve('{"by":"Bea"}')
  await cli(['fork', 'o', '--from', 'Shp'])
  const notes = (await cli(['acts', 'o', '--json'])).json.map(({ act, note }) => [act, note])
  expect(notes).toHaveLength(6)
  expect(notes).toEqual(
    expect.arrayContaining([
      ['fork', expect.stringMatching(/^not done: .*Ship/)],
      ['fork', 'from Shp'],
      ['signal', 'not done: duplicate'],
      ['signal', 'Approval'],
      ['start', 'orders Approved'],
    ]),
  )
  // The newest stands first: behind what was tried is what came of it.
  const forks = notes.flatMap(([act, note]) => (act === 'fork' ? [String(note)] : []))
  expect(forks.at(-1)).toBe('from Shp')
})

describe('acts on many', () => {
  test('cancel of 5,000 executions of which 10 have ended cancels 4,990, and reports 10', async () => {
    await using starter = openShop({ work: false })
    const starts = Array.from({ length: 5_000 }, (_, i) => ({ id: `o-${i}`, inputs: { Order: { id: 'x' } } }))
    await starter.startMany(orders, Receipt, starts)
    for (let i = 0; i < 10; i++) await starter.cancel(`o-${i * 400}`)
    const { code, json, err } = await cli(['cancel', '--graph', 'orders', '--yes', '--json'])
    expect(json).toHaveLength(4_990)
    expect(err).toBe('left alone: 10 cancelled\n4990 cancelled\n')
    expect(code).toBe(0)
    expect((await cli(['list', '--status', 'pending', '--json', '--all'])).json).toEqual([])
    // Those that are named are reported one by one.
    const named = await cli(['cancel', '--graph', 'orders', '--status', 'cancelled', '--from', '1h', '--yes', '--json'])
    expect([named.code, new Set(named.json.map(({ outcome }) => outcome))]).toEqual([4, new Set(['refused'])])
  })

  test('the count is shown, and nothing is done unless somebody says yes', async () => {
    for (const id of ['a', 'b', 'c']) await started(id)
    await cli(['cancel', 'a'])
    const all = ['cancel', '--graph', 'orders']
    expect(await cli(all)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^left alone: 1 cancelled\nerror: cancel 2 executions\?.*--yes/),
    })
    expect(await cli(all, { typed: 'no\n' })).toMatchObject({ code: 4, out: '' })
    const dry = await cli([...all, '--dry-run'])
    expect(dry.out.trim().split('\n').toSorted()).toEqual(['b  wouldBe', 'c  wouldBe'])
    expect(await statusOf('b')).toBe('pending')
    expect(await cli(all, { typed: 'yes\n' })).toMatchObject({ code: 0, err: expect.stringMatching(/2 cancelled/) })
    expect(await statusOf('b')).toBe('cancelled')
  })

  test('retry by a filter is for those that failed or were cancelled', async () => {
    await failed('a')
    await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"1"}', '--id', 'b', '-q'])
    await started('c')
    const { code, json, err } = await cli(['retry', '--graph', 'orders', '--yes', '--json'])
    expect({ code, json, err }).toEqual({
      code: 0,
      json: [{ id: 'a', outcome: 'retried', reason: null }],
      err: `left alone: 1 pending, 1 completed\n${unserved}`,
    })
    expect((await cli(['retry', '--graph', 'parcels', '--yes'])).err).toBe('there is none to retry\n')
  })

  test('a call has ids or a filter, not both, and not neither', async () => {
    await started('a')
    expect((await cli(['cancel', '--yes'])).err).toMatch(/say which/)
    expect((await cli(['cancel', 'a', '--graph', 'orders', '--yes'])).err).toMatch(/ids or a filter, not both/)
    const { code, json } = await cli(['cancel', 'a', 'z', '--yes', '--json'])
    expect(code).toBe(4)
    expect(json.toSorted((one, other) => String(one['id']).localeCompare(String(other['id'])))).toMatchObject([
      { id: 'a', outcome: 'cancelled' },
      { id: 'z', outcome: 'notFound' },
    ])
  })

  test('purge deletes what ended a while ago', async () => {
    await failed('a')
    await started('b')
    expect((await cli(['purge', '--older-than', '1h', '--dry-run'])).out).toBe('0 would be deleted\n')
    expect(await cli(['purge', '--older-than', '0ms'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('add --yes, or --dry-run to see what it would be'),
    })
    const unsaid = await cli(['purge', '--yes'])
    expect([unsaid.code, unsaid.err]).toEqual([2, expect.stringContaining('--older-than 30d, or --all')])
    expect(await cli(['purge', '--older-than', '0ms', '--yes', '--json'])).toMatchObject({
      code: 0,
      json: [{ deleted: 1 }],
    })
    expect((await cli(['list', '--json'])).json).toMatchObject([{ id: 'b' }])
  })
})

describe('schedules', () => {
  test('a schedule is listed, paused, triggered, made up for and deleted', async () => {
    await using owner = openShop({ work: false, takeOver: false })
    await owner.schedule('nightly', {
      graph: orders,
      target: Receipt,
      inputs: { Order: { id: 'n' } },
      cron: '0 3 * * *',
    } as never)
    expect((await cli(['schedules', 'list', '--json'])).json).toMatchObject([
      { name: 'nightly', cron: '0 3 * * *', pausedAt: null },
    ])
    await owner.schedule('hourly', {
      graph: orders,
      target: Receipt,
      inputs: { Order: { id: 'h' } },
      every: '1h30m',
    } as never)
    expect((await cli(['schedules', 'list'])).out).toMatch(/hourly .* every 1h30m /)
    expect((await cli(['schedules'])).out).toBe((await cli(['schedules', 'list'])).out)
    expect((await cli(['schedules', '--graph', 'orders', '--json'])).json).toHaveLength(2)
    expect((await cli(['schedules', '--graph', 'parcels', '--json'])).json).toEqual([])
    await cli(['schedules', 'delete', 'hourly', '-y'])
    expect((await cli(['schedules', 'pause', 'nightly', '--note', 'holidays'])).out).toBe('nightly  paused\n')
    expect((await cli(['schedules', 'list'])).out).toMatch(/nightly {2}paused: holidays/)
    expect((await cli(['schedules', 'resume', 'nightly'])).out).toMatch(/^nightly {2}active, next at/)
    expect((await cli(['schedules', 'trigger', 'nightly'])).out).toMatch(/^nightly\//)
    const backfill = ['schedules', 'backfill', 'nightly', '--from', '2026-01-01', '--to', '2026-01-03']
    expect(await cli(backfill)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/start 2 executions that schedule "nightly" has missed .*: add --yes, or --dry-run/),
    })
    expect((await cli([...backfill, '--dry-run'])).out).toBe('2 would be started, 0 are there, 0 skipped\n')
    expect((await cli([...backfill, '-y'])).out).toBe('2 started, 0 were there, 0 skipped\n')
    expect(await cli(['schedules', 'pause', 'nigtly'])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/did you mean "nightly"\?/),
    })
    expect((await cli(['schedules', 'delete', 'nightly', '-y'])).code).toBe(0)
    expect((await cli(['schedules', 'list', '--json'])).json).toEqual([])
  })
})
