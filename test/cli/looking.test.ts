import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { cli, fixtures, timeless } from './call-cli.ts'
import { openShop, useStore } from './fixtures/shop.ts'

beforeEach(() => void useStore(memoryStore()))

/** Two orders that have ended, and one that nobody has begun. */
async function threeOrders(): Promise<void> {
  await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"1"}', '--id', 'order:1'])
  await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"broken"}', '--id', 'order:2'])
  await cli(['start', 'orders', 'Approved', '-i', 'Order={"id":"3"}', '--id', 'order:3', '--key', 'ada'])
}

const hasColour = (text: string): boolean => text.includes('\u001b[')

const configurations: Readonly<Record<string, string>> = {
  ready: 'export const docket = { list() {}, startByName() {}, close() {} }',
  empty: 'export const other = 1',
  wrong: 'export const docket = () => ({ list: 1 })',
  broken: "throw new Error('out of order')",
  lost: "import './graphs.js'",
  throwing: "export const docket = () => { throw new TypeError('DATABASE_URL is not set') }",
  rejecting: "export const docket = async () => { throw new TypeError('DATABASE_URL is not set') }",
}

describe('docket list', () => {
  test('lists executions in columns, the newest first', async () => {
    await threeOrders()
    const { code, out, err } = await cli(['list'])
    expect(timeless(out)).toBe(
      [
        'ID       STATUS     GRAPH   TARGET    CREATED  ENDED   ERROR',
        'order:3  pending    orders  Approved  <time>',
        'order:2  failed     orders  Receipt   <time>  <time>  STEP_FAILED: step "Pay" failed after 1 attempt: the card was refused',
        'order:1  completed  orders  Receipt   <time>  <time>',
        '',
      ]
        .join('\n')
        .replace('CREATED  ENDED   ERROR', 'CREATED               ENDED                 ERROR'),
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })

  test('gives a line of JSON for each, with every field, ISO times and no colour', async () => {
    await threeOrders()
    const { json } = await cli(['list', '--json'], { isTerminal: true })
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const everywhere = { graph: 'orders', queue: 'default', priority: 0, createdAt: time, updatedAt: time }
    const nothing = { deadline: null, owner: null, parent: null, forkedFrom: null, incompatible: [] }
    expect(json).toEqual([
      {
        id: 'order:3',
        target: 'Approved',
        status: 'pending',
        ...everywhere,
        ...nothing,
        key: 'ada',
        startedAt: null,
        endedAt: null,
        error: null,
      },
      {
        id: 'order:2',
        target: 'Receipt',
        status: 'failed',
        ...everywhere,
        ...nothing,
        key: null,
        startedAt: time,
        endedAt: time,
        error: {
          name: 'StepError',
          message: 'step "Pay" failed after 1 attempt: the card was refused',
          code: 'STEP_FAILED',
          causes: [{ name: 'NonRetryableError', message: 'the card was refused', code: 'NON_RETRYABLE' }],
        },
      },
      {
        id: 'order:1',
        target: 'Receipt',
        status: 'completed',
        ...everywhere,
        ...nothing,
        key: null,
        startedAt: time,
        endedAt: time,
        error: null,
      },
    ])
  })

  test.each([
    [
      ['--status', 'failed,completed'],
      ['order:2', 'order:1'],
    ],
    [['--status', 'pending', '--graph', 'orders'], ['order:3']],
    [['--key', 'ada'], ['order:3']],
    [['--queue', 'default', '--limit', '1'], ['order:3']],
    [
      ['--from', '1h'],
      ['order:3', 'order:2', 'order:1'],
    ],
    [['--before', '1h'], []],
    [['--waits-for', 'signal:Approval'], []],
    [['--error-code', 'STEP_FAILED'], ['order:2']],
  ])('filters by %j', async (filter, ids) => {
    await threeOrders()
    expect((await cli(['list', '--json', ...filter])).json.map(({ id }) => id)).toEqual(ids)
  })

  test('says that there are more, and how to see them', async () => {
    await threeOrders()
    const { out, err } = await cli(['list', '--limit', '2'])
    expect(out.trim().split('\n')).toHaveLength(3)
    expect(err).toBe('there are more: --limit 20, or --all\n')
  })

  test('--count counts by status', async () => {
    await threeOrders()
    const counts = { completed: 1, failed: 1, pending: 1 }
    expect((await cli(['list', '--count', '--json'])).json).toEqual([
      {
        counts: Object.fromEntries(Object.entries(counts).map(([status, count]) => [status, { count, isMore: false }])),
      },
    ])
    expect((await cli(['list', '--count', '--status', 'failed'])).out).toBe('STATUS  COUNT\nfailed  1\n')
    expect((await cli(['list', '--count', '--waits-for', 'timer:Remind'])).code).toBe(2)
  })

  test('has what a graph may be called of which there is none', async () => {
    expect((await cli(['list', '--graph', 'ordrs'])).err).toMatch(/did you mean "orders"\?/)
  })

  test('has colours on a terminal alone, and not where NO_COLOR is set', async () => {
    await threeOrders()
    expect(hasColour((await cli(['list'], { isTerminal: true })).out)).toBe(true)
    expect(hasColour((await cli(['list'], { isTerminal: true, env: { NO_COLOR: '1' } })).out)).toBe(false)
    expect(hasColour((await cli(['list'])).out)).toBe(false)
  })
})

describe('docket show', () => {
  test('has the steps, and what each of them waits for', async () => {
    await threeOrders()
    const { code, out } = await cli(['show', 'order:3'])
    expect(timeless(out)).toBe(
      [
        'order:3',
        '  graph         orders → Approved',
        '  status        pending',
        '  situation     execution "order:3" waits for a worker: none serves its queue "default" (no other process has a docket on this store); createDocket({ work: { "default": … } }) does, in your program or by docket worker',
        '  queue         default, key ada',
        '  created       <iso time>',
        '  inputs        Order',
        '',
        'STEP      STATUS   ATTEMPT  SINCE',
        'Pay       pending  0               waits for a process that goes on with it',
        'Approval  pending  0               waits for a process that goes on with it',
        'Approve   pending  0               waits for what "Pay", "Approval" make',
        '',
      ].join('\n'),
    )
    expect(code).toBe(0)
  })

  test('says of what is to be tried again what docket why says, and has its steps as pending', async () => {
    await threeOrders()
    await cli(['retry', 'order:2'])
    const { out } = await cli(['show', 'order:2'])
    const [why = ''] = (await cli(['why', 'order:2'])).out.split('\n')
    expect(out).toContain(`  situation     ${why}\n`)
    expect(out).not.toMatch(/takeOver|alone knows/)
    expect(out.slice(out.indexOf('STEP'))).toMatch(
      /^STEP .*\nPay +pending +0 .* waits for a process that goes on with it\nShip +pending +0 .* waits for what "Pay" makes\n$/,
    )
    expect((await cli(['show', 'order:2', '--json'])).json[0]).toMatchObject({ situation: why })
  })

  test('has the mailbox: what was sent, and nobody has taken yet', async () => {
    await threeOrders()
    await cli(['signal', 'order:3', 'Approval', '--value', '{"by":"Ada"}', '--id', 's-1'])
    const { out } = await cli(['show', 'order:3'])
    expect(timeless(out.slice(out.indexOf('MESSAGE')))).toBe(
      ['MESSAGE  TYPE      ID   SENT                      BYTES', 'signal   Approval  s-1  <iso time>  12', ''].join(
        '\n',
      ),
    )
    const [plain] = (await cli(['show', 'order:3', '--json'])).json
    expect(plain?.['mailbox']).toEqual({
      messages: [
        {
          seq: expect.any(Number),
          kind: 'signal',
          type: 'Approval',
          item: null,
          id: 's-1',
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          bytes: 12,
        },
      ],
      isMore: false,
    })
    const [full] = (await cli(['show', 'order:3', '--json', '--values'])).json
    expect(full?.['mailbox']).toMatchObject({ messages: [{ value: { by: 'Ada' }, problem: null }] })
    expect((await cli(['show', 'order:3', '--values'])).out).toMatch(
      /"mailbox": \[\n.*\n.*"Approval": \{\n.*"by": "Ada"/,
    )
    expect((await cli(['show', 'order:1', '--json'])).json[0]?.['mailbox']).toEqual({ messages: [], isMore: false })
  })

  test('has the error with its causes', async () => {
    await threeOrders()
    const { out } = await cli(['show', 'order:2'])
    expect(out).toMatch(
      / {2}error {9}StepError \(STEP_FAILED\): step "Pay" failed after 1 attempt: the card was refused\n {16}because NonRetryableError/,
    )
  })

  test('shows values on request alone', async () => {
    await threeOrders()
    const [plain, full] = await Promise.all([
      cli(['show', 'order:1', '--json']),
      cli(['show', 'order:1', '--json', '--values']),
    ])
    expect(plain.out).not.toMatch(/payment of/)
    expect(plain.json[0]).toMatchObject({ inputs: ['Order'] })
    expect(full.json[0]).toMatchObject({
      inputs: { Order: { id: '1' } },
      output: 'payment of 1, shipped',
      steps: [
        { step: 'Pay', output: 'payment of 1' },
        { step: 'Ship', output: 'payment of 1, shipped' },
      ],
    })
    expect((await cli(['show', 'order:1', '--values'])).out).toMatch(/"output": "payment of 1, shipped"/)
  })

  test('exits with 3 for an id that is not there, with one that is nearly it', async () => {
    await threeOrders()
    const { code, out, err } = await cli(['show', 'ordr:3'])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/there is no execution "ordr:3".*did you mean "order:3"\?/)
  })

  test('--follow goes on until the execution has ended, and exits with 1 where that failed', async () => {
    await threeOrders()
    expect((await cli(['show', 'order:1', '--follow'])).code).toBe(0)
    expect((await cli(['show', 'order:2', '--follow'])).code).toBe(1)
    await using worker = openShop({})
    const following = cli(['show', 'order:3', '--follow', '--json'])
    await (await worker.get('order:3'))!.cancel()
    const { code, json } = await following
    expect(code).toBe(1)
    expect(json.at(-1)).toMatchObject({ status: 'cancelled' })
  })

  test('--follow ends with 130 when it is interrupted', async () => {
    await threeOrders()
    const interruption = new AbortController()
    const onOut = (): void => interruption.abort()
    expect((await cli(['show', 'order:3', '-f'], { signal: interruption.signal, onOut })).code).toBe(130)
  })
})

test('docket events has what is on record in its order, and says that it is no history', async () => {
  await threeOrders()
  const { json } = await cli(['events', 'order:2', '--json'])
  expect(json.map(({ type, step }) => [type, step])).toEqual([
    ['execution.created', null],
    ['execution.started', null],
    ['step.started', 'Pay'],
    ['step.failed', 'Pay'],
    ['execution.failed', null],
  ])
  expect((await cli(['events', 'order:1', '--follow'])).code).toBe(0)
  expect((await cli(['events', 'order:1'])).err).toMatch(/^this is what is on record: .*history .*\n$/)
  expect((await cli(['events', '--help'])).out).toContain('what is on record')
})

test('docket why says why an execution or a step is where it is', async () => {
  await threeOrders()
  const { code, out } = await cli(['why', 'order:2', 'Ship'])
  expect(code).toBe(0)
  expect(out).toMatch(/the card was refused/)
  expect((await cli(['why', 'order:3', '--json'])).json[0]).toMatchObject({
    execution: 'order:3',
    code: expect.any(String),
  })
  // The command itself is a process on the store, and serves nothing.
  expect((await cli(['why', 'order:3'])).out).toMatch(
    /none serves its queue "default" \(no other process has a docket on this store\)/,
  )
  await using worker = openShop({ work: { elsewhere: 1 } })
  await worker.workers()
  expect((await cli(['why', 'order:3'])).out).toMatch(/\(the one other process that lives does not\)/)
  expect(await cli(['why', 'order:2', 'Shp'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/did you mean "Ship"/),
  })
  expect((await cli(['why', 'order:9'])).code).toBe(3)
})

test('docket why says once what several steps come to', async () => {
  const sums = ['--config', join(fixtures, 'sums.config.ts')]
  await cli(['start', 'sums', 'Sum', '--id', 'o', ...sums])
  const { out } = await cli(['why', 'o', 'Sum', ...sums])
  const [said = '', code, ...because] = out.trimEnd().split('\n')
  const alike = 'does not run: execution "o" waits for a worker: none serves its queue "default"'
  expect(said).toContain(`: step "FindAddend0" ${alike}`)
  expect([code, because]).toEqual([
    '[step.waitsForInputs]',
    [
      expect.stringContaining(
        `  11 steps ("FindAddend0", "FindAddend1", "FindAddend2", "FindAddend3", "FindAddend4" and 6 more): each ${alike}`,
      ),
    ],
  ])
})

test('docket export prints an execution with all its records, which a test docket replays', async () => {
  await threeOrders()
  const { code, json } = await cli(['export', 'order:2', '--json'])
  expect(code).toBe(0)
  expect(json[0]).toMatchObject({
    format: 'docket-execution/1',
    execution: { id: 'order:2' },
    steps: [{ step: 'Pay' }],
  })
  expect(JSON.parse((await cli(['export', 'order:2'])).out)).toMatchObject({ format: 'docket-execution/1' })
  expect((await cli(['export', 'order:9'])).code).toBe(3)
})

test('docket explain has the plan of a target, and names that are nearly right', async () => {
  expect((await cli(['explain', 'orders', 'Receipt', '-i', 'Order={"id":"1"}'])).out).toMatch(
    /0 {2}Pay {3}run .*\n.*1 {2}Ship {2}run/,
  )
  expect((await cli(['explain', 'orders', 'Receipt', '--mermaid'])).out).toMatch(/^flowchart TD/)
  expect((await cli(['explain', 'orders', 'Receipt', '--json'])).json[0]).toMatchObject({ missing: ['Order'] })
  const wrong = await cli(['explain', 'orders', 'Reciept'])
  expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/did you mean "Receipt"\?/) })
  expect((await cli(['explain', 'order', 'Receipt'])).err).toMatch(/did you mean "orders"\?/)
})

test('docket query prints what a query gives', async () => {
  await threeOrders()
  expect((await cli(['query', 'order:1', 'paid'])).out).toBe('"payment of 1"\n')
  expect((await cli(['query', 'order:3', 'paid', '--json'])).json).toEqual([
    { id: 'order:3', query: 'paid', result: 'not yet' },
  ])
  expect(await cli(['query', 'order:1', 'payd'])).toMatchObject({ code: 2, err: expect.stringMatching(/"paid"/) })
})

test('docket workers lists the processes that live, without the command itself', async () => {
  await using worker = openShop({ name: 'shop', work: { default: 7 } })
  await worker.resume()
  const { json } = await cli(['workers', '--json'])
  expect(json).toMatchObject([{ name: 'shop', queues: { default: 7 }, pid: process.pid }])
})

test('what looks takes nothing over, and begins nothing', async () => {
  await threeOrders()
  for (const argv of [['list'], ['show', 'order:3'], ['events', 'order:3'], ['queues', 'list'], ['workers']])
    expect((await cli(argv)).code).toBe(0)
  expect((await cli(['show', 'order:3', '--json'])).json[0]).toMatchObject({
    status: 'pending',
    lease: null,
    owner: null,
  })
})

test.each([
  ['ready', /what it exports is no function, but a docket that runs already/],
  ['empty', /must export a function that makes the docket/],
  ['wrong', /must return a docket, as createDocket makes it/],
  ['broken', /can’t be loaded: out of order/],
  ['lost', /can’t be loaded: .*imports of files end in \.ts/],
  ['throwing', /the function of .* failed: DATABASE_URL is not set/],
  ['rejecting', /the function of .* failed: DATABASE_URL is not set/],
])('a configuration that is %s is refused with what to do', async (kind, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'docket.config.ts')
  writeFileSync(path, configurations[kind]!)
  expect(await cli(['list', '--config', path])).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) })
})

test('a configuration that does not heed what it is given is refused', async () => {
  const { code, err } = await cli(['list', '--config', join(fixtures, 'deaf.config.ts')])
  expect(code).toBe(2)
  expect(err).toMatch(/does not heed the options that it is given.*spread them into createDocket/)
})
