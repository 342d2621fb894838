import { describe, expect, test } from 'vitest'
import { dataType, graph, step, subgraph, type, untypedWorkflow, workflow } from '../../src/index.ts'
import type { StepContext } from '../../src/index.ts'
import { errorOf, number, rejectionOf, thrownBy } from '../loose-api.ts'
import { SqliteWorld, worlds } from '../prior-art/embedded-worlds.ts'
import { newExecution } from '../../src/testing/conformance/records.ts'
import { hashOfDrawing } from '../../src/core/graph/drawing.ts'
import { indexOf } from '../../src/core/graph/graph-index.ts'
import { createDocket } from '../../src/index.ts'
import { createTestDocket, replaceSteps } from '../../src/testing/index.ts'
import { World } from './durable-time.ts'

const Email = dataType('Email', type<string>())
const User = number('User')
const Sent = dataType('Sent', type<string>())

/** The steps of a program, which note what they do. */
function program(calls: string[] = [], wait: (name: string, ctx: StepContext) => unknown = () => undefined) {
  const create = step({
    name: 'create',
    inputs: { email: Email },
    output: User,
    run: async ({ email }, ctx) => {
      calls.push(`${ctx.stepName} ${email} ${ctx.attempt}`)
      await wait(ctx.stepName, ctx)
      return email.length
    },
  })
  const send = step({
    name: 'send',
    inputs: { subject: Email },
    results: { create: User },
    output: Sent,
    run: async ({ subject }, ctx) => {
      calls.push(`${ctx.stepName} ${ctx.attempt}`)
      await wait(ctx.stepName, ctx)
      return `${subject} to ${ctx.results.create}`
    },
  })
  const draw = (email: string, name = 'signup') =>
    workflow(name)
      .add('create', create, { email })
      .add('send', send, { subject: 'Hi' }, { dependsOn: ['create'], retry: { maxAttempts: 3 } })
  return { create, send, draw, steps: [create, send] }
}

const never = (): Promise<never> => new Promise(() => {})

describe.each(worlds)('a workflow on %s', (_, newWorld) => {
  test('that a process has begun is finished by one that knows its steps alone, and does nothing twice', async () => {
    const world = newWorld()
    const first: string[] = []
    const begun = program(first, (name) => (name === 'send' ? never() : undefined))
    const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
    await docket.start(begun.draw('ada@example'), { id: 'a' })
    await world.clock.advance(10)
    expect(first).toEqual(['create ada@example 1', 'send 1'])
    die()
    const second: string[] = []
    const other = world.process({ graphs: [], steps: program(second).steps })
    const handle = (await other.get('a'))!
    const result = world.clock.settle(handle.result())
    expect(await result).toEqual({ create: 11, send: 'Hi to 11' })
    expect(second).toEqual(['send 2'])
    expect(await handle.details()).toMatchObject({ graph: 'signup', target: 'results', status: 'completed' })
    expect((await other.list({ graph: 'signup' })).executions).toHaveLength(1)
  })

  test('is one of many of its name: each goes on with the drawing that it began with', async () => {
    const world = newWorld()
    const { create, send, steps } = program([], (name) => (name.startsWith('last') ? never() : undefined))
    const { docket, die } = world.mortal({ graphs: [], steps })
    for (const count of [1, 2, 3]) {
      let flow = untypedWorkflow('fan').add('create', create, { email: 'x'.repeat(count) })
      for (let i = 1; i <= count; i++)
        flow = flow.add(`last ${i}`, send, { subject: `${i}` }, { dependsOn: ['create'] })
      await docket.start(flow, { id: `${count}` })
    }
    await world.clock.advance(10)
    die()
    const other = world.process({ graphs: [], steps: program().steps })
    const results = await Promise.all(
      ['1', '2', '3'].map(async (id) => world.clock.settle((await other.get(id))!.result())),
    )
    expect(results).toEqual([
      { create: 1, 'last 1': '1 to 1' },
      { create: 2, 'last 1': '1 to 2', 'last 2': '2 to 2' },
      { create: 3, 'last 1': '1 to 3', 'last 2': '2 to 3', 'last 3': '3 to 3' },
    ])
  })

  test('waits for its time, parked, and begins in whatever process there is then', async () => {
    const world = newWorld()
    const calls: string[] = []
    const { create, send, steps } = program(calls)
    const { docket, die } = world.mortal({ graphs: [], steps, park: '1s' })
    const at = (minutes: number): Date => new Date(world.clock.now() + minutes * 60_000)
    const flow = workflow('later', { startAt: at(2) })
      .add('create', create, { email: 'root' })
      .add('soon', create, { email: 'own' }, { startAt: at(1) })
      .add('send', send, { subject: 'x' }, { dependsOn: ['create'] })
      .add('late', send, { subject: 'y' }, { dependsOn: ['create'], startAt: at(5) })
    await docket.start(flow, { id: 'a' })
    await world.clock.advance(60_000 - 1)
    expect(calls).toEqual([])
    await world.clock.advance(2)
    expect(calls).toEqual(['soon own 1'])
    await world.clock.advance(10_000)
    die()
    const other = world.process({ graphs: [], steps: program(calls).steps, park: '1s' })
    await world.clock.advance(60_000)
    expect(calls).toEqual(['soon own 1', 'create root 1', 'send 1'])
    await world.clock.advance(4 * 60_000)
    expect(calls.at(-1)).toBe('late 1')
    expect(await (await other.get('a'))!.result()).toMatchObject({ late: 'y to 4' })
  })

  test('is left alone by a process that does not have its steps, which says why, and burns no attempt', async () => {
    const world = newWorld()
    const begun = program([], (name) => (name === 'send' ? never() : undefined))
    const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
    await docket.start(begun.draw('ada'), { id: 'a' })
    await world.clock.advance(10)
    die()
    const old = world.process({ graphs: [], steps: [begun.create] })
    await world.clock.advance(600_000)
    const details = await (await old.get('a'))!.details()
    expect(details.incompatible.join()).toContain('node "send" stands for step "send", which is not known here')
    expect(world.events.filter(({ type: what }) => what === 'execution.incompatible').length).toBeLessThan(10)
    const calls: string[] = []
    const fresh = world.process({ graphs: [], steps: program(calls).steps })
    expect(await world.clock.settle((await fresh.get('a'))!.result())).toMatchObject({ send: 'Hi to 3' })
    expect(calls).toEqual(['send 2'])
  })

  test('has an id that stands for its drawing and its arguments', async () => {
    const world = newWorld()
    const { draw, create, steps } = program()
    const docket = world.process({ graphs: [], steps })
    await world.clock.settle(docket.execute(draw('ada'), { id: 'a' }))
    expect(await world.clock.settle(docket.execute(draw('ada'), { id: 'a' }))).toMatchObject({ create: 3 })
    for (const other of [draw('bob'), workflow('signup').add('create', create, { email: 'ada' })])
      expect(await rejectionOf(world.clock.settle(docket.start(other, { id: 'a' })))).toMatchObject({
        name: 'ExecutionConflictError',
      })
  })

  test('can be retried, forked, cancelled and run as a batch that survives its process', async () => {
    const world = newWorld()
    const calls: string[] = []
    let isBroken = true
    const begun = program(calls, (name) => {
      if (name === 'send' && isBroken) throw new TypeError('no mail server')
    })
    const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
    const failing = docket.execute(begun.draw('ada'), { id: 'a' })
    expect(await errorOf(world.clock.settle(failing))).toMatchObject({ name: 'StepError', step: 'send', attempt: 3 })
    isBroken = false
    expect(await world.clock.settle((await docket.retry('a')).result())).toMatchObject({ send: 'Hi to 3' })
    const fork = await docket.fork('a', { from: 'send', id: 'b' })
    expect(await world.clock.settle(fork.result())).toMatchObject({ send: 'Hi to 3' })
    expect(calls.filter((call) => call.startsWith('create'))).toEqual(['create ada 1'])
    const stuck = program([], (name) => (name === 'send' ? never() : undefined))
    die()
    const { docket: second, die: dieToo } = world.mortal({ graphs: [], steps: stuck.steps })
    const flow = stuck.draw('x')
    const batch = [{}, { 'create.args': { email: 'yy' } }]
    await second.startBatch(flow, flow.results, batch, { id: 'batch' })
    await second.start(flow, { id: 'stopped' })
    await world.clock.advance(10)
    dieToo()
    const third = world.process({ graphs: [], steps: program().steps, lease: '1s' })
    await third.cancel('stopped')
    const made = await world.clock.settle((await third.get('batch'))!.result())
    expect(made).toEqual([
      { create: 1, send: 'Hi to 1' },
      { create: 2, send: 'Hi to 2' },
    ])
    expect(await errorOf(world.clock.settle((await third.get('stopped'))!.result()))).toMatchObject({
      name: 'ExecutionCancelledError',
    })
  })
})

describe('a docket', () => {
  test('starts no workflow with steps that it does not have: nobody could go on with it', async () => {
    const world = new World()
    const { draw, create, send } = program()
    const docket = world.process({ graphs: [], steps: [create] })
    const error = await errorOf(docket.start(draw('a')))
    expect(error.message).toContain('this docket does not know step "send" of workflow "signup"')
    const other = world.process({ graphs: [], steps: [program().create, send] })
    expect((await errorOf(other.execute(draw('a')))).message).toContain('this docket has another step named "create"')
    expect((await docket.list()).executions).toEqual([])
  })

  test('has the steps of the workflows in its graphs', async () => {
    const world = new World()
    const { draw } = program()
    const docket = world.process({ graphs: [draw('a')] })
    expect(await world.clock.settle(docket.execute(draw('abc')))).toMatchObject({ create: 3 })
    const handle = await docket.startByName('signup', 'results', { 'create.args': { email: 'abcd' } })
    expect(await world.clock.settle(handle.result())).toMatchObject({ create: 4 })
  })

  test('refuses steps that are none, that share names, and that need an app', () => {
    const { create } = program()
    const twin = step({ name: 'twin', formerly: 'create', output: User, run: () => 1 })
    const wrong = { graphs: [], store: new World().store, steps: [create, program().create, twin, 3] }
    const error = thrownBy(() => createDocket(wrong as never)) as Error
    expect(error.message).toContain('two steps are named "create"')
    expect(error.message).toContain('steps "create" and "twin" are, or were, both named "create"')
    expect(error.message).toContain('steps[3] must be made by step({ name, inputs, output, run }), not 3')
  })

  test('knows a step by its former name, too', async () => {
    const world = new World()
    const begun = program([], never)
    const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
    await docket.start(begun.draw('ada'), { id: 'a' })
    await world.clock.advance(10)
    die()
    const { create, send } = program()
    const renamed = step({ ...create, name: 'make', formerly: 'create' } as never) as typeof create
    const other = world.process({ graphs: [], steps: [renamed, send] })
    expect(await world.clock.settle((await other.get('a'))!.result())).toMatchObject({ send: 'Hi to 3' })
  })

  test('has no workflow and graph of one name', async () => {
    const world = new World()
    const { draw, steps } = program()
    const signup = graph({ name: 'signup', steps: [step({ name: 'x', output: User, run: () => 1 })] })
    const docket = world.process({ graphs: [signup], steps })
    expect((await errorOf(docket.start(draw('a')))).message).toContain('this docket has a graph named "signup"')
  })

  test('makes nothing of a drawing that somebody has changed, and goes on with others of the same workflow', async () => {
    const world = new SqliteWorld()
    const begun = program([], (name) => (name === 'send' ? never() : undefined))
    const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
    for (const id of ['evil', 'gone']) await docket.start(begun.draw('ada'), { id })
    await world.clock.advance(10)
    die()
    const change = (id: string, inputs: string): void =>
      world.database.exec(`update docket_executions set inputs = ${inputs} where id = '${id}'`)
    change('evil', `replace(inputs, '"retry"', '"retries"')`)
    change('gone', `json_remove(inputs, '$."$drawing"')`)
    const calls: string[] = []
    const fresh = program(calls)
    const other = world.process({ graphs: [], steps: fresh.steps })
    await world.clock.advance(60_000)
    const reasons = async (id: string) => (await (await other.get(id))!.details()).incompatible.join()
    expect(await reasons('evil')).toContain('unknown option "retries"; did you mean "retry"?')
    expect(await reasons('gone')).toContain('the drawing of its workflow is not on record')
    expect(calls).toEqual([])
    expect(await world.clock.settle(other.execute(fresh.draw('ada')))).toMatchObject({ send: 'Hi to 3' })
  })

  test('is not stopped by a drawing that is none', async () => {
    const world = new World()
    const { draw, steps } = program()
    const docket = world.process({ graphs: [], steps })
    await world.clock.settle(docket.execute(draw('ok')))
    const graphHash = hashOfDrawing(indexOf(program().draw('x', 'other'))!.drawing!)
    const drawings = [null, 3, { version: 1, name: 'other', nodes: [{ name: 'a', step: 'create', dependsOn: ['a'] }] }]
    const records = drawings.map(($drawing, index) =>
      newExecution(`${index}`, { graph: 'other', graphHash, inputs: JSON.stringify({ $drawing }) }),
    )
    await world.store.create([...records, newExecution('cut', { graph: 'other', graphHash, inputs: '{' })])
    await world.clock.advance(60_000)
    for (const id of ['0', '1', '2', 'cut'])
      expect((await (await docket.get(id))!.details()).incompatible, id).toHaveLength(1)
    expect(await world.clock.settle(docket.execute(draw('ok', 'other')))).toMatchObject({ create: 2 })
  })

  test('runs a workflow as a part of another graph', async () => {
    const world = new World()
    const { draw } = program()
    const flow = draw('ada')
    const Done = dataType('Done', type<{ readonly create: number }>())
    const parts = graph({
      name: 'whole',
      steps: [subgraph(flow, flow.results, { name: 'signup', output: Done as never }) as never],
    })
    const docket = world.process({ graphs: [parts] })
    const given = { 'create.args': { email: 'abc' }, 'send.args': { subject: 'x' } }
    const made = await world.clock.settle(docket.execute(parts, Done as never, given as never, { id: 'w' }))
    expect(made).toMatchObject({ create: 3 })
  })
})

test('what a step, a node, a workflow and a docket say of a policy holds in this order, and zero is said as well', async () => {
  const world = new World()
  const tries: string[] = []
  const fail = (name: string, more: object = {}) =>
    step({
      name,
      output: User,
      run: (_, { stepName, attempt }) => {
        tries.push(`${stepName} ${attempt}`)
        throw new Error('no')
      },
      ...more,
    })
  const own = fail('own', { retry: { maxAttempts: 4 } })
  const plain = fail('plain')
  const draw = (options: object, node: object, one = plain) =>
    untypedWorkflow('levels', options).add('node', one, {}, node)
  const docket = world.process({ graphs: [], steps: [own, plain], defaults: { retry: { maxAttempts: 1 + 1 } } })
  const triesOf = async (flow: ReturnType<typeof draw>): Promise<number> => {
    tries.length = 0
    await rejectionOf(world.clock.settle(docket.execute(flow)))
    return tries.length
  }
  const defaults = { retry: { maxAttempts: 3 } }
  expect(await triesOf(draw({}, {}))).toBe(2)
  expect(await triesOf(draw({ defaults }, {}))).toBe(3)
  expect(await triesOf(draw({ defaults }, { retry: { maxAttempts: 1 } }))).toBe(1)
  expect(await triesOf(draw({ defaults }, { retry: { maxAttempts: 1 } }, own))).toBe(4)
})

test('a schedule starts a workflow, also in a process that has its steps alone', async () => {
  const world = new World()
  const begun = program()
  const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
  const flow = begun.draw('ada')
  await docket.schedule('hourly', { graph: flow, target: flow.results, inputs: {}, every: '1m' })
  await world.clock.advance(61_000)
  const first = (await docket.list({ graph: 'signup' })).executions
  expect(first).toMatchObject([{ status: 'completed', output: { create: 3, send: 'Hi to 3' } }])
  die()
  const calls: string[] = []
  const fresh = program(calls)
  const other = world.process({ graphs: [fresh.draw('somebody else')] })
  await world.clock.advance(180_000)
  expect((await other.list({ graph: 'signup' })).executions.length).toBeGreaterThan(2)
  expect(calls.slice(0, 2)).toEqual(['create ada 1', 'send 1'])
})

test('a process that knows a workflow leaves executions of a graph of the same name to others, without looking at them all the time', async () => {
  const world = new World()
  const { draw, steps } = program()
  const docket = world.process({ graphs: [], steps })
  await world.clock.settle(docket.execute(draw('ok')))
  await world.store.create([newExecution('plain', { graph: 'signup', graphHash: 'of a graph' })])
  await world.clock.advance(60_000)
  const { incompatible } = await (await docket.get('plain'))!.details()
  expect(incompatible.join()).toContain('this docket knows a workflow named "signup", and not the graph of this name')
  expect((await world.store.get(['plain']))[0]!.epoch).toBeLessThan(5)
})

test('what a node makes, and when it begins, is read and changed by its name while the workflow runs', async () => {
  const world = new World()
  const { create, steps } = program()
  const docket = world.process({ graphs: [], steps })
  const at = new Date(world.clock.now() + 600_000)
  const flow = workflow('timed')
    .add('now', create, { email: 'abc' })
    .add('later', create, { email: 'x' }, { startAt: at })
  const handle = await docket.start(flow, { id: 'a' })
  await world.clock.advance(10)
  expect(await handle.get(flow.result('now'))).toBe(3)
  expect(await handle.get(flow.result('later'))).toBeUndefined()
  await handle.reschedule('later.start' as never, new Date(world.clock.now() + 1_000))
  expect(await world.clock.settle(handle.result())).toEqual({ now: 3, later: 1 })
  expect(world.clock.now()).toBeLessThan(at.getTime() - 300_000)
})

test('a test docket waits for what nodes do in real time, and lets virtual time pass for their times to begin', async () => {
  const { create } = program([], () => new Promise((resolve) => setTimeout(resolve, 5)))
  await using docket = createTestDocket({ graphs: [], steps: [create] })
  const flow = workflow('w')
    .add('a', create, { email: 'abc' }, { timeout: '1s', startAt: new Date(Date.UTC(2000, 5, 1)) })
    .add('b', create, { email: 'x' }, { dependsOn: ['a'], timeout: '1s' })
  expect(await (await docket.start(flow)).result()).toEqual({ a: 3, b: 1 })
  expect(() => replaceSteps(flow, {})).toThrow('"w" is a workflow, which is drawn with its steps')
})
