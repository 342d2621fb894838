import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { placeMaker } from '../../processes/place.ts'
import type { Place } from '../../processes/place.ts'
import type { StoreKind } from '../../processes/store-address.ts'
import { chaosGraphs, inputsOf, numberOf } from '../chaos-graphs.ts'
import type { LogLine } from '../chaos-log.ts'
import type { Answer, Call, Operation } from './call.ts'
import type { Witness } from './change.ts'
import { brittleStep, judgedShapes } from './judged-shapes.ts'
import { judge } from './judge.ts'
import { witnessOf } from './judge-run.ts'
import { endProblem } from './judged-storm.ts'
import type { Rule } from './violation.ts'

const makePlace = await placeMaker()
const olderThanMs = 60_000
const leaves = { Seed: 7, Region: 1 }

/** A witnessed store in which `done` and `shared` are completed and `failed` has failed, by a docket called w1. */
interface Scene {
  readonly place: Place
  readonly docket: Docket
  readonly witness: Witness
  readonly lines: LogLine[]
  run(shape: string, id: string): Promise<unknown>
  /** Changes the tables by hand, while nobody works there: a docket might go on with what it finds open, and end it. */
  plant(statements: readonly string[]): Promise<void>
  /** The rules that are violated. */
  verdict(quietAt?: number): Promise<readonly Rule[]>
}

async function scene(kind: StoreKind): Promise<Scene> {
  const place = await makePlace(kind)
  const witness = await witnessOf(place.address)
  const lines: LogLine[] = []
  let made = 0
  const graphs = chaosGraphs((step, inputs, { executionId: execution, attempt }) => {
    const n = numberOf(step, (type) => inputs[type]!.n)
    lines.push({ kind: 'begin', at: Date.now(), worker: 'w1', execution, step: step.name, attempt, n })
    if (step.name === brittleStep) throw new Error('as it must')
    return { n, tag: `w1:${++made}`, from: {} }
  }, judgedShapes)
  const docket = createDocket({
    graphs: [...graphs.values()].map(({ graph }) => graph),
    store: place.createStore(),
    name: 'w1',
  })
  onTestFinished(async () => {
    await docket.close({ deadline: 0 })
    await witness[Symbol.asyncDispose]()
  })
  const run = (shape: string, id: string): Promise<unknown> => {
    const {
      graph,
      target,
      shape: { leaves: names },
    } = graphs.get(shape)!
    const inputs = inputsOf(Object.fromEntries(names.map((name) => [name, leaves[name as keyof typeof leaves]])))
    return docket.execute(graph, target, inputs, { id }).catch((error: unknown) => error)
  }
  await run('Diamond', 'done')
  await run('Shared', 'shared')
  await run('Breaks', 'failed')
  const verdict = async (quietAt?: number): Promise<readonly Rule[]> => {
    const { violations } = await judge(witness, lines, { olderThanMs, ...(quietAt !== undefined && { quietAt }) })
    return [...new Set(violations.map(({ rule }) => rule))]
  }
  const plant = async (statements: readonly string[]): Promise<void> => {
    await docket.close({ deadline: 0 })
    for (const statement of statements) {
      // Times are in milliseconds: of what happens in one of them, the judge can't tell which was first.
      await sleep(2)
      await place.sql(statement)
    }
  }
  return { place, docket, witness, lines, run, plant, verdict }
}

const forged = (tag: string): string => `'{"n":1,"tag":"${tag}","from":{}}'`

/** Changes of the tables by hand, and the rule that each of them breaks. */
const plants: readonly (readonly [title: string, rule: Rule, statements: readonly string[]])[] = [
  ['an epoch that is lowered', 'epoch went back', [`update docket_executions set epoch = 0 where id = 'done'`]],
  [`a result's epoch that is lowered`, 'epoch went back', ['update docket_results set epoch = epoch - 1']],
  [
    'an owner in the epoch of another',
    'owner without epoch',
    [
      `update docket_executions set owner = 'w2:a', epoch = 2 where id = 'failed'`,
      `update docket_executions set owner = 'w3:b' where id = 'failed'`,
    ],
  ],
  [
    'an epoch that is left out',
    'owner without epoch',
    [`update docket_executions set owner = 'w2:a', epoch = 9 where id = 'failed'`],
  ],
  [
    'another output of a completed execution',
    'completed output changed',
    [`update docket_executions set output = ${forged('w1:999')} where id = 'done'`],
  ],
  [
    'a completed execution that runs',
    'completed output changed',
    [`update docket_executions set status = 'running', epoch = 2 where id = 'done'`],
  ],
  [
    'another output of a completed step',
    'completed output changed',
    [`update docket_steps set output = ${forged('w1:999')} where step = 'Left'`],
  ],
  [
    'a completed step that runs',
    'completed output changed',
    [`update docket_steps set status = 'running' where step = 'Left'`],
  ],
  [
    'another output of a global result',
    'completed output changed',
    [`update docket_results set output = ${forged('w1:999')}`],
  ],
  ['a global result that is deleted', 'completed output changed', ['delete from docket_results']],
  [
    'a failed execution that runs in its last epoch',
    'end undone',
    [`update docket_executions set status = 'running' where id = 'failed'`],
  ],
  [
    'what a process writes whose execution another one has',
    'written by another',
    [
      `update docket_executions set owner = 'w2:a', epoch = 2, status = 'running' where id = 'failed'`,
      `update docket_steps set status = 'completed', output = ${forged('w1:998')} where step = '${brittleStep}'`,
    ],
  ],
  [
    'an end that a process writes whose execution another one has',
    'written by another',
    [
      `update docket_executions set owner = 'w2:a', epoch = 2, status = 'running' where id = 'failed'`,
      `update docket_executions set status = 'completed', output = ${forged('w1:998')} where id = 'failed'`,
    ],
  ],
  ['a completed step that goes away', 'completed step lost', [`delete from docket_steps where step = 'Left'`]],
  [
    'an execution that is deleted long before its time',
    'purged too early',
    [`delete from docket_executions where id = 'done'`],
  ],
  [
    'an execution that is deleted while it is open',
    'purged too early',
    [
      `update docket_executions set status = 'running', epoch = 2, ended_at = null where id = 'failed'`,
      `delete from docket_executions where id = 'failed'`,
    ],
  ],
  [
    'a cancellation that goes away without an end',
    'cancel lost',
    [
      `update docket_executions set status = 'pending', epoch = 2, ended_at = null where id = 'failed'`,
      `insert into docket_mailbox (execution, seq, class, kind, posted_at) values ('failed', 1, 'control', 'cancel', '2026-01-01 00:00:00')`,
      `delete from docket_mailbox`,
    ],
  ],
]

test('the judge has nothing to say about what Docket does by itself', async () => {
  const { verdict, docket, run, lines } = await scene('sqlite')
  const call: Call = { call: 1, operation: 'retry', execution: 'failed', graph: 'Breaks', leaves }
  lines.push({ kind: 'call', at: Date.now(), worker: 'w1', call })
  await docket
    .retry('failed')
    .then((handle) => handle.result())
    .catch(() => {})
  await docket.fork('done', { from: 'Lower', id: 'forked' }).then((handle) => handle.result())
  await run('Shared', 'shared again')
  expect(await verdict(Date.now())).toEqual([])
})

test.each(plants)('the judge sees %s: %s', async (_, rule, statements) => {
  const { plant, verdict } = await scene('sqlite')
  await plant(statements)
  expect(await verdict()).toContain(rule)
})

const sixRules: readonly Rule[] = [
  'epoch went back',
  'completed output changed',
  'completed step lost',
  'written by another',
  'cancel lost',
  'purged too early',
]

test.each(['postgres', 'mysql'] as const)('what is written by hand to %s is seen there as well', async (kind) => {
  const { plant, verdict } = await scene(kind)
  expect(await verdict()).toEqual([])
  await plant([
    `update docket_executions set epoch = 0 where id = 'done'`,
    `update docket_results set output = ${forged('w1:999')}`,
    `delete from docket_steps where step = 'Left'`,
    `update docket_executions set status = 'pending', epoch = 2, ended_at = null where id = 'failed'`,
    `update docket_steps set status = 'completed', output = ${forged('w2:998')} where step = '${brittleStep}'`,
    `insert into docket_mailbox (execution, seq, class, kind, posted_at) values ('failed', 1, 'control', 'cancel', '2026-01-01 00:00:00')`,
    `delete from docket_mailbox`,
    `delete from docket_executions where id = 'shared'`,
  ])
  expect(await verdict()).toEqual(expect.arrayContaining([...sixRules]))
})

test('what is written by hand to redis is seen there as well', async () => {
  const { place, witness, verdict } = await scene('redis')
  expect(await verdict()).toEqual([])
  const { redis, layout } = place
  const [result] = await redis.keys(`${place.address.space}:*:k:*`)
  const [done, failed, shared] = ['done', 'failed', 'shared'].map((id) => layout.execution(id))
  await redis.hset(done!, 'e', 0)
  await redis.set(result!, (await redis.get(result!))!.replace(/C\d+/, 'X9999999999999999'))
  await redis.hdel(done!, ':Left\0')
  await redis.hset(failed!, { s: 'p', e: 2, v: 's{"n":1,"tag":"w2:1"}' })
  // Times are in milliseconds: in the one in which it was begun again, it had ended as well.
  await sleep(20)
  await redis.zadd(layout.mailbox('failed'), 1, '1:cancel')
  await redis.del(layout.mailbox('failed'))
  await redis.del(shared!)
  expect(await verdict()).toEqual(expect.arrayContaining([...sixRules]))
  expect(await witness.leftovers()).toEqual(expect.arrayContaining([`the key ${JSON.stringify(done)}`]))
})

test('the judge sees an execution that begins with the steps of a deleted one', async () => {
  const { place, run, verdict } = await scene('sqlite')
  await place.sql(`delete from docket_executions where id = 'done'`)
  await run('Diamond', 'done')
  expect(await verdict()).toContain('begun with old rows')
})

test('the judge sees what stays of executions: open ones, messages, rows', async () => {
  const { plant, witness, verdict } = await scene('sqlite')
  await plant([
    `update docket_executions set status = 'running', epoch = 2 where id = 'failed'`,
    `insert into docket_mailbox (execution, seq, class, kind, posted_at) values ('failed', 1, 'control', 'cancel', '2026-01-01 00:00:00')`,
  ])
  expect(await verdict(Date.now() + 1)).toEqual(expect.arrayContaining(['never ended', 'left behind']))
  await plant(['delete from docket_executions'])
  expect(await witness.leftovers()).toEqual([expect.stringMatching('rows of steps'), '1 rows of mailbox'])
})

test.each([
  ['of a step that was completed before its process had the execution', 'ran again', 'Left', 'w2'],
  ['of a step that its own process has completed', 'ran again', 'Left', 'w1'],
  ['of a global step whose result is there', 'ran again', 'Rate', 'w1'],
  ['in a process that never had the execution', 'ran without right', 'Middle', 'w5'],
  ['in a process whose execution another one has', 'ran without right', 'Middle', 'w1'],
  ['of an execution that has ended', 'worked after the end', 'Middle', 'w2'],
] as const)('the judge sees the beginning %s: %s', async (_, rule, step, worker) => {
  const { plant, lines, verdict } = await scene('sqlite')
  const id = step === 'Rate' ? 'shared' : 'done'
  if (rule !== 'ran again' || worker === 'w2')
    await plant([`update docket_executions set owner = 'w2:a', epoch = 2 where id = '${id}'`])
  const n = lines.find((line) => line.execution === id && line.step === step)!.n
  lines.push({ kind: 'begin', at: Date.now() + 2_000, worker, execution: id, step, attempt: 1, n })
  expect(await verdict()).toContain(rule)
})

test.each([
  ['a cancelled execution that nobody has cancelled', 'cancelled by nobody', 'cancelled', 'cancel'],
  ['one that begins again though nobody has called for it', 'begun by nobody', 'running', 'retry'],
] as const)('the judge sees %s: %s', async (_, rule, status, operation) => {
  const { plant, lines, verdict } = await scene('sqlite')
  const call: Call = { call: 1, operation, execution: 'failed', graph: 'Breaks', leaves }
  // What was called for before it was as it is does not count.
  lines.push({ kind: 'call', at: 0, worker: 'w9', call })
  lines.push({ kind: 'answer', at: 1, worker: 'w9', call, answer: error('DOCKET_CLOSED') })
  await plant([
    `update docket_executions set status = 'running', epoch = 2 where id = 'failed'`,
    `update docket_executions set status = '${status}' where id = 'failed'`,
  ])
  expect(await verdict()).toContain(rule)
})

const error = (code: string): Answer => ({ type: 'error', code, message: '', isClosing: false })

test.each<readonly [Operation, string, Answer, Rule]>([
  ['execute', 'done', { type: 'value', tag: 'w1:999', n: 1 }, 'answer not on record'],
  ['result', 'failed', { type: 'value', tag: 'w1:1', n: 1 }, 'answer not on record'],
  ['result', 'done', error('EXECUTION_CANCELLED'), 'answer not on record'],
  ['result', 'done', error('STEP_FAILED'), 'answer not on record'],
  ['result', 'done', error('EXECUTION_CONFLICT'), 'answer not on record'],
  ['result', 'done', { type: 'none' }, 'answer not on record'],
  ['details', 'done', { type: 'status', status: 'cancelled' }, 'answer not on record'],
  ['start', 'missing', { type: 'done' }, 'answer not on record'],
  ['retry', 'failed', { type: 'done' }, 'answer not on record'],
  ['retry', 'failed', error('EXECUTION_CONFLICT'), 'answer not on record'],
  ['fork', 'done', { type: 'done' }, 'answer not on record'],
  ['fork', 'done', error('EXECUTION_CONFLICT'), 'answer not on record'],
  ['cancel', 'open', { type: 'done' }, 'answer not on record'],
  ['delete', 'done', { type: 'deleted' }, 'answer not on record'],
  ['delete', 'done', { type: 'none' }, 'answer not on record'],
  ['purge', '', { type: 'count', count: 1 }, 'answer not on record'],
  ['start', 'done', error('STORE_FAILED'), 'unexpected answer'],
  ['list', '', listed('failed', 'failed'), 'list is wrong'],
  ['list', '', listed('done', 'failed', 'shared', 'open', 'done'), 'list is wrong'],
  ['list', '', listed('done', 'failed', 'shared', 'open', 'missing'), 'list is wrong'],
])('the judge sees that %s of "%s" did not lead to %j: %s', async (operation, execution, answer, rule) => {
  const { place, lines, verdict } = await scene('sqlite')
  await place.sql(`insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, headers, graph_hash, machine_version,
    epoch, recoveries, owned_ms, queue, queue_key, priority, created_at, updated_at)
    select 'open', kind, graph, target, 'running', request_digest, inputs, headers, graph_hash, machine_version, 0, 0, 0, queue, queue_key, priority,
    created_at, updated_at
    from docket_executions where id = 'done'`)
  const call: Call = { call: 1, operation, execution, graph: 'Diamond', leaves, from: 'Left', newId: 'never' }
  // Long after all that was.
  const at = Date.now() + 10_000
  lines.push({ kind: 'call', at, worker: 'w9', call }, { kind: 'answer', at: at + 1, worker: 'w9', call, answer })
  expect(await verdict()).toEqual([rule])
})

function listed(...ids: readonly string[]): Answer {
  const statuses: Readonly<Record<string, string>> = { failed: 'failed', open: 'running' }
  return { type: 'list', executions: ids.map((id) => [id, statuses[id] ?? 'completed']) }
}

test('the judge sees processes that end by themselves, or print something', () => {
  const killed = { code: null, signal: 'SIGKILL' } as const
  expect(endProblem({ name: 'w1', ending: 'SIGKILL', end: killed, errors: '' }, true)).toBeUndefined()
  expect(endProblem({ name: 'w1', ending: 'SIGKILL', end: killed, errors: 'Warning' }, true)).toMatch('printed')
  expect(endProblem({ name: 'w1', ending: undefined, end: killed, errors: '' }, true)).toMatch('SIGKILL')
  expect(endProblem({ name: 'w1', ending: 'SIGTERM', end: { code: 1, signal: null }, errors: '' }, true)).toMatch(
    'ended with 1',
  )
})
