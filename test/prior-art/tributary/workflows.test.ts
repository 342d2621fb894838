import { describe, expect, test } from 'vitest'
import {
  dataType,
  execute,
  exponential,
  resultsLike,
  resultsOfType,
  step,
  type,
  untypedWorkflow,
  workflow,
} from '../../../src/index.ts'
import type { StepError } from '../../../src/index.ts'
import { errorOf, never, rejectionOf } from '../../loose-api.ts'
import { World } from '../../durable/durable-time.ts'
import { Email, noting, Receipt } from './noting-step.ts'

/*
 * What Tributary's README, examples and code promise of workflows, and what of it was not so there. What is weak below them (claims, leases,
 * hints, transactions) is in the other files of this folder.
 */

const User = dataType('User', type<{ readonly id: number }>())
const secret = 'ada@lovelace.example'

const args = { email: secret }
const plain = noting('plain').noted

describe('order and results', () => {
  test('a node begins once all that it depends on is done, and independent ones run at the same time', async () => {
    const world = new World()
    const { noted, calls } = noting('any', ({ signal }) => world.clock.sleep(1_000, signal).then(() => 'done'))
    const flow = workflow('fan')
      .add('left', noted, args)
      .add('right', noted, args)
      .add('join', noted, args, { dependsOn: ['left', 'right'] })
    const docket = world.process({ graphs: [], steps: [noted] })
    const begunAt = world.clock.now()
    await world.clock.settle(docket.execute(flow))
    expect(world.clock.now() - begunAt).toBe(2_000)
    expect(calls).toEqual(['left begins', 'right begins', 'left ends', 'right ends', 'join begins', 'join ends'])
  })

  test('what a node makes is read by its name, by a part of that and by its type, each of its own', async () => {
    const create = step({
      name: 'create',
      inputs: { email: Email },
      output: User,
      run: ({ email }) => ({ id: email.length }),
    })
    const { noted } = noting('charge', ({ stepName }) => `receipt of ${stepName}`)
    const read = step({
      name: 'read',
      results: { create_user: User },
      output: Receipt,
      run: (_, { results }) =>
        [
          results.create_user.id,
          Object.keys(resultsLike(results, 'charge', Receipt)),
          resultsLike(results, /book$/, Receipt)['charge_book'],
          resultsOfType(results, Receipt).length,
          resultsOfType(results, User).length,
        ].join(' '),
    })
    const flow = workflow('reads')
      .add('create_user', create, { email: 'four' })
      .add('charge_book', noted, args)
      .add('charge_pen', noted, args)
      .add('read', read, {}, { dependsOn: ['charge_pen', 'create_user', 'charge_book'] })
    expect((await execute(flow)).read).toBe('4 charge_pen,charge_book receipt of charge_book 2 1')
  })

  test('a result of another type is no result: it is refused before anything runs', async () => {
    const { noted, calls } = noting('any')
    const read = step({ name: 'read', results: { first: User }, output: Receipt, run: () => 'x' })
    const flow = untypedWorkflow('types')
      .add('first', noted, args)
      .add('read', read, {}, { dependsOn: ['first'] })
    expect((await errorOf(execute(flow))).message).toContain('reads "first" as a "User", and "first" makes a "Receipt"')
    expect(calls).toEqual([])
  })
})

describe('what is refused, with nothing inserted', () => {
  test.each([
    [
      'an unknown dependency',
      untypedWorkflow('w').add('a', plain, args, { dependsOn: ['b'] }),
      'there is no node of this name',
    ],
    [
      'a node that waits for itself',
      untypedWorkflow('w').add('a', plain, args, { dependsOn: ['a'] }),
      'depends on "a", which was not added before',
    ],
    [
      'a name that is there already',
      untypedWorkflow('w').add('a', plain, args).add('a', plain, args),
      'two nodes are named "a"',
    ],
    ['no nodes at all', untypedWorkflow('w'), 'the workflow has no nodes'],
    ['arguments that do not fit', untypedWorkflow('w').add('a', plain, { emial: 'x' }), 'a.args.emial'],
  ])('%s', async (_, flow, message) => {
    const world = new World()
    const docket = world.process({ graphs: [], steps: [plain] })
    expect((await errorOf(docket.start(flow))).message).toContain(message)
    expect((await docket.list()).executions).toEqual([])
  })
})

describe('attempts', () => {
  test('a node is tried as often as it says, with longer and longer waits, and numbers its attempts from 1', async () => {
    const world = new World()
    const at: number[] = []
    const { noted } = noting('flaky', ({ attempt }) => {
      at.push(world.clock.now())
      if (attempt < 4) throw new Error('503')
      return `attempt ${attempt}`
    })
    const docket = world.process({ graphs: [], steps: [noted] })
    const retry = { maxAttempts: 5, backoff: exponential('1s', { max: '3s' }) }
    const made = await world.clock.settle(docket.execute(workflow('w').add('a', noted, args, { retry })))
    expect(made).toEqual({ a: 'attempt 4' })
    expect(at.map((time, index) => time - at[Math.max(index - 1, 0)]!)).toEqual([0, 1_000, 2_000, 3_000])
  })

  test('when attempts are used up the workflow fails with the cause, and what depends on the node never begins', async () => {
    const world = new World()
    const { noted, calls } = noting('any', ({ stepName }) => {
      if (stepName === 'bad') throw new TypeError('no such thing')
    })
    const flow = workflow('w')
      .add('bad', noted, args, { retry: { maxAttempts: 2 } })
      .add('next', noted, args, { dependsOn: ['bad'] })
      .add('last', noted, args, { dependsOn: ['next'] })
    const docket = world.process({ graphs: [], steps: [noted] })
    const handle = await docket.start(flow, { id: 'a' })
    const error = (await rejectionOf(world.clock.settle(handle.result()))) as StepError
    expect(error).toMatchObject({ name: 'StepError', step: 'bad', attempt: 2, path: ['results', 'bad'] })
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(calls).toEqual(['bad begins', 'bad begins'])
    const { status, steps } = await handle.details()
    expect(status).toBe('failed')
    expect(steps.find(({ step: name }) => name === 'bad')).toMatchObject({
      status: 'failed',
      attempt: 2,
      error: { message: 'no such thing' },
    })
  })

  test('a timeout of less than a second is one, for each attempt, also of a function that does not listen', async () => {
    const world = new World()
    const { noted } = noting('slow', ({ attempt }) => (attempt === 1 ? never() : 'done'))
    const docket = world.process({ graphs: [], steps: [noted] })
    const begunAt = world.clock.now()
    const policies = { timeout: '250ms', retry: { maxAttempts: 2 } }
    expect(await world.clock.settle(docket.execute(workflow('w').add('a', noted, args, policies)))).toEqual({
      a: 'done',
    })
    expect(world.clock.now() - begunAt).toBe(250)
  })

  test.each([
    ['a text', 'out of paper'],
    ['nothing', undefined],
    ['an object', { code: 7 }],
    ['a symbol', Symbol('odd')],
  ])('%s that is thrown is a failed attempt, and not the end of the process', async (_, thrown) => {
    const world = new World()
    const { noted } = noting('odd', ({ attempt }) => {
      if (attempt === 1) throw thrown as unknown as Error
      return 'done'
    })
    const docket = world.process({ graphs: [], steps: [noted] })
    const flow = workflow('w').add('a', noted, args, { retry: { maxAttempts: 2 } })
    expect(await world.clock.settle(docket.execute(flow))).toEqual({ a: 'done' })
  })

  test('a worker without the step costs no attempt', async () => {
    const world = new World()
    const { noted } = noting('rare', ({ attempt }) => `attempt ${attempt}`)
    const { docket, die } = world.mortal({ graphs: [], steps: [noted], takeOver: false })
    const at = new Date(world.clock.now() + 10_000)
    await docket.start(workflow('w').add('a', noted, args, { startAt: at, retry: { maxAttempts: 2 } }), { id: 'a' })
    die()
    world.process({ graphs: [], steps: [noting('other').noted] })
    await world.clock.advance(60_000)
    const worker = world.process({ graphs: [], steps: [noted] })
    expect(await world.clock.settle((await worker.get('a'))!.result())).toEqual({ a: 'attempt 1' })
  })
})

describe('options and times', () => {
  test('of nodes that are ready the higher priority begins first, and 0 is a priority', async () => {
    const { noted, calls } = noting('any')
    const flow = workflow('w', { priority: 1 })
      .add('zero', noted, args, { priority: 0 })
      .add('one', noted, args)
      .add('ten', noted, args, { priority: 10 })
      .add('minus', noted, args, { priority: -1 })
    await execute(flow)
    expect(calls.filter((call) => call.endsWith('begins'))).toEqual([
      'ten begins',
      'one begins',
      'zero begins',
      'minus begins',
    ])
  })

  test('what a step says stands above its node, that above the workflow, and one that is used twice is not changed by it', async () => {
    const world = new World()
    const tries = new Map<string, number>()
    const fail = (name: string, more: object) =>
      step({
        name,
        output: Receipt,
        run: (_, { stepName, attempt }) => {
          tries.set(stepName, attempt)
          throw new Error('no')
        },
        fallback: 'gave up',
        ...more,
      })
    const plain = fail('plain', {})
    const own = fail('own', { retry: { maxAttempts: 4 } })
    const options = { retry: { maxAttempts: 3 } } as const
    const flow = workflow('w', { defaults: { retry: { maxAttempts: 2 } } })
      .add('of workflow', plain, {})
      .add('of node', plain, {}, options)
      .add('of step', own, {}, options)
      .add('of workflow again', plain, {})
    await world.clock.settle(world.process({ graphs: [], steps: [plain, own] }).execute(flow))
    expect(Object.fromEntries(tries)).toEqual({ 'of workflow': 2, 'of node': 3, 'of step': 4, 'of workflow again': 2 })
  })

  test('so it is with timeouts, each from its own level', async () => {
    const world = new World()
    const begun = world.clock.now()
    const ended = new Map<string, number>()
    const hang = (name: string, more: object) =>
      step({
        name,
        output: Receipt,
        run: (_, { stepName, signal }) => {
          signal.addEventListener('abort', () => ended.set(stepName, world.clock.now() - begun))
          return never()
        },
        fallback: 'gave up',
        ...more,
      })
    const plain = hang('plain', {})
    const own = hang('own', { timeout: '4s' })
    const flow = workflow('w', { defaults: { timeout: '2s' } })
      .add('of workflow', plain, {})
      .add('of node', plain, {}, { timeout: '3s' })
      .add('of step', own, {}, { timeout: '3s' })
    await world.clock.settle(world.process({ graphs: [], steps: [plain, own] }).execute(flow))
    expect(Object.fromEntries(ended)).toEqual({ 'of workflow': 2_000, 'of node': 3_000, 'of step': 4_000 })
  })

  test('and with how many run at a time, and for whom a result is remembered', async () => {
    const world = new World()
    const running = new Map<string, number>()
    const most = new Map<string, number>()
    const runs = new Map<string, number>()
    const noted = (name: string, more: object) =>
      step({
        name,
        inputs: { email: Email },
        output: Receipt,
        run: async () => {
          runs.set(name, (runs.get(name) ?? 0) + 1)
          const now = (running.get(name) ?? 0) + 1
          running.set(name, now)
          most.set(name, Math.max(most.get(name) ?? 0, now))
          await world.clock.sleep(100)
          running.set(name, now - 1)
          return 'done'
        },
        ...more,
      })
    const plain = noted('plain', {})
    const other = noted('other', {})
    const own = noted('own', { concurrency: 3, persist: 'execution' })
    const steps = [plain, other, own]
    const names = ['a', 'b', 'c', 'd', 'e']
    const draw = (id: string) => {
      let flow = untypedWorkflow('w', { defaults: { concurrency: 1, persist: 'global' } }).add('first', plain, {
        email: `${id} first`,
      })
      for (const name of names)
        flow = flow
          .add(`plain ${name}`, plain, { email: name })
          .add(`other ${name}`, other, { email: name }, { concurrency: 2, persist: 'execution' })
          .add(`own ${name}`, own, { email: name }, { concurrency: 2, persist: 'global' })
      return flow
    }
    const docket = world.process({ graphs: [], steps })
    await world.clock.settle(docket.execute(draw('one')))
    expect(Object.fromEntries(most)).toEqual({ plain: 1, other: 2, own: 3 })
    await world.clock.settle(docket.execute(draw('two')))
    // What is remembered for all ran again for the one node that has other arguments.
    expect(Object.fromEntries(runs)).toEqual({ plain: 7, other: 10, own: 10 })
  })

  test('the time of a workflow holds for nodes without dependencies, but for those that have one of their own', async () => {
    const world = new World()
    const begun: [string, number][] = []
    const from = world.clock.now()
    const { noted } = noting('any', ({ stepName }) => void begun.push([stepName, world.clock.now() - from]))
    const flow = workflow('w', { startAt: new Date(from + 20_000) })
      .add('root', noted, args)
      .add('early', noted, args, { startAt: from + 5_000 })
      .add('next', noted, args, { dependsOn: ['root'] })
      .add('later', noted, args, { dependsOn: ['root'], startAt: new Date(from + 40_000) })
      .add('past', noted, args, { startAt: new Date(0) })
    await world.clock.settle(world.process({ graphs: [], steps: [noted] }).execute(flow))
    expect(Object.fromEntries(begun)).toEqual({ past: 0, early: 5_000, root: 20_000, next: 20_000, later: 40_000 })
  })

  test('a queue has its own workers, the higher priority goes first there, and a start may say otherwise', async () => {
    const world = new World()
    const order: string[] = []
    const { noted } = noting('any', ({ executionId }) => void order.push(executionId))
    const starter = world.process({ graphs: [], steps: [noted], work: false })
    const draw = (priority: number) =>
      workflow('w', { queue: 'critical', priority }).add('a', noted, args, { queue: 'critical' })
    await starter.start(draw(0), { id: 'zero' })
    await starter.start(draw(5), { id: 'five' })
    await starter.start(draw(5), { id: 'nine', priority: 9 })
    await starter.start(draw(5), { id: 'elsewhere', queue: 'default' })
    world.process({ graphs: [], steps: [noted], work: { default: 5 } })
    await world.clock.advance(10_000)
    expect(order).toEqual(['elsewhere'])
    world.process({ graphs: [], steps: [noted], work: { critical: 1 } })
    await world.clock.advance(10_000)
    expect(order).toEqual(['elsewhere', 'nine', 'five', 'zero'])
  })

  test('a step stands alone as a workflow of one node', async () => {
    const world = new World()
    const { noted } = noting('alone', (_, email) => email)
    const docket = world.process({ graphs: [], steps: [noted] })
    expect(await world.clock.settle(docket.execute(workflow('alone').add('it', noted, args)))).toEqual({ it: secret })
  })
})
