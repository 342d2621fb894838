import { createActor, toPromise } from 'xstate'
import { expect, test } from 'vitest'
import {
  createDocket,
  dataType,
  defineSteps,
  execute,
  executeBatch,
  fromGraph,
  graph,
  NonRetryableError,
  race,
  step,
  streamBatch,
  subgraph,
  type,
} from '../../src/index.ts'
import { createTestDocket, replaceSteps } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

interface App {
  readonly prefix: string
  readonly undone: string[]
}
const Name = dataType('Name', type<string>())
const Greeting = dataType('Greeting', type<string>())
const Letter = dataType('Letter', type<string>())
const First = dataType('First', type<string>())

const typed = defineSteps<App>()
const greet = typed.step({
  name: 'Greet',
  inputs: { name: Name },
  output: Greeting,
  persist: 'execution',
  run: ({ name }, { app }) => `${app.prefix} ${name}`,
  compensate: (greeting, { app }) => app.undone.push(greeting ?? '?'),
})
const letter = step({
  name: 'Write',
  inputs: { greeting: Greeting },
  output: Letter,
  run: ({ greeting }) => `${greeting}!`,
})
const letters = graph({ name: 'letters', steps: [greet, letter] })

/** The same function, its types forgotten. */
function loose<Result>(call: (...given: never[]) => Result): (...given: readonly unknown[]) => Result {
  return call as (...given: readonly unknown[]) => Result
}

function appOf(prefix = 'Hello'): App {
  return { prefix, undone: [] }
}

test('ctx.app is what the call was given, itself', async () => {
  const app = appOf()
  let seen: unknown
  const look = typed.step({
    name: 'Look',
    output: Name,
    run: (_, context) => {
      seen = context.app
      return 'seen'
    },
  })
  await execute(graph({ name: 'look', steps: [look] }), Name, {}, { app })
  expect(seen).toBe(app)
})

test('every call that runs a graph in memory hands app on', async () => {
  const app = appOf()
  expect(await execute(letters, Letter, { Name: 'Ada' }, { app })).toBe('Hello Ada!')
  expect(await executeBatch(letters, Letter, [{ Name: 'Ada' }, { Name: 'Bo' }], { app })).toEqual([
    'Hello Ada!',
    'Hello Bo!',
  ])
  const streamed: string[] = []
  for await (const one of streamBatch(letters, Letter, [{ Name: 'Cy' }], { app })) streamed.push(one)
  expect(streamed).toEqual(['Hello Cy!'])
  const actor = createActor(fromGraph(letters, Letter, { app }), { input: { Name: 'Di' } })
  const output = toPromise(actor)
  actor.start()
  expect(await output).toBe('Hello Di!')
})

test('a graph within another one gets the same app, and what it needs the outer one needs', async () => {
  const outer = graph({ name: 'outer', steps: [subgraph(letters, Letter)] })
  expect(await execute(outer, Letter, { Name: 'Ada' }, { app: appOf() })).toBe('Hello Ada!')
  await expect(loose(execute)(outer, Letter, { Name: 'Ada' })).rejects.toThrow(
    'step "Greet" of graph "outer" reads ctx.app, and no app is given',
  )
})

test('a race, and what undoes a step, read it too', async () => {
  const app = appOf()
  const fail = step({
    name: 'Fail',
    inputs: { first: First },
    output: Letter,
    run: (): string => {
      throw new NonRetryableError('no')
    },
  })
  const choose = typed.race({
    name: 'Choose',
    inputs: { greeting: Greeting, other: dataType('Other', type<string>()) },
    output: First,
    run: (first, context) => `${context.app.prefix}: ${first.value}`,
  })
  const other = step({
    name: 'Other',
    output: dataType('Other', type<string>()),
    run: () => new Promise<string>(() => {}),
  })
  const racing = graph({ name: 'racing', steps: [greet, other, choose, fail] })
  expect(await execute(racing, First, { Name: 'Ada' }, { app })).toBe('Hello: Hello Ada')
  await expect(execute(racing, Letter, { Name: 'Ada' }, { app })).rejects.toThrow('no')
  expect(app.undone).toEqual(['Hello Ada'])
})

test('loose code that gives no app gets an OptionError before anything runs', async () => {
  const message = 'step "Greet" of graph "letters" reads ctx.app, and no app is given'
  await expect(loose(execute)(letters, Letter, { Name: 'Ada' })).rejects.toThrow(message)
  await expect(loose(execute)(letters, Letter, { Name: 'Ada' }, { app: undefined })).rejects.toThrow(message)
  await expect(loose(executeBatch)(letters, Letter, [{ Name: 'Ada' }])).rejects.toThrow(message)
  expect(() => loose(fromGraph)(letters, Letter)).toThrow(message)
  expect(() => loose(createDocket)({ graphs: [letters], store: memoryStore() })).toThrow(message)
})

test('a docket gives its app to executions, batches, actors and children, and to those that go on after a crash', async () => {
  const app = appOf()
  const outer = graph({ name: 'outer', steps: [subgraph(letters, Letter)] })
  await using docket = createTestDocket({ graphs: [letters, outer], app })
  expect(await docket.execute(letters, Letter, { Name: 'Ada' })).toBe('Hello Ada!')
  expect(await (await docket.start(outer, Letter, { Name: 'Bo' })).result()).toBe('Hello Bo!')
  const batch = await docket.startBatch(letters, Letter, [{ Name: 'Cy' }])
  expect(await batch.result()).toEqual(['Hello Cy!'])
  const actor = createActor(docket.logic(letters, Letter), { input: { Name: 'Di' } })
  const output = toPromise(actor)
  actor.start()
  expect(await output).toBe('Hello Di!')
})

test('another process gives its own app: nothing of it is stored', async () => {
  const Waited = dataType('Waited', type<string>())
  const late = typed.step({
    name: 'Late',
    inputs: { waited: Waited },
    output: Letter,
    run: ({ waited }, { app }) => app.prefix + waited,
  })
  const pause = step({
    name: 'Pause',
    inputs: { name: Name },
    output: Waited,
    run: async ({ name }, { app }) => (app as { wait(name: string): Promise<string> }).wait(name),
  })
  const slow = graph({ name: 'slow', steps: [pause, late] })
  const old = { ...appOf('old '), wait: () => new Promise<string>(() => {}) }
  await using docket = createTestDocket({ graphs: [slow], app: old })
  const handle = await docket.start(slow, Letter, { Name: 'Ada' }, { id: 'one' })
  const batch = await docket.startBatch(slow, Letter, [{ Name: 'Bo' }], { id: 'many' })
  await docket.restart({ app: { ...appOf('new '), wait: async (name: string) => name } })
  expect(await handle.result()).toBe('new Ada')
  expect(await batch.result()).toEqual(['new Bo'])
  expect(JSON.stringify(await docket.store.get(['one']))).not.toContain('prefix')
})

test('a step whose function is replaced still gets the app', async () => {
  const mocked = replaceSteps(letters, { Greet: ({ name }, { app }) => `mock ${app.prefix} ${name}` })
  expect(await execute(mocked, Letter, { Name: 'Ada' }, { app: appOf() })).toBe('mock Hello Ada!')
})

test('a durable step, and its branches, read it too', async () => {
  const remember = typed.durableStep({
    name: 'Remember',
    inputs: { name: Name },
    output: Greeting,
    run: async ({ name }, ctx) => {
      const first = await ctx.step('first', () => `${ctx.app.prefix} ${name}`)
      return ctx.branch('second', (branch) => branch.step('again', () => `${branch.app.prefix} ${first}`))
    },
  })
  const memory = graph({ name: 'memory', steps: [remember] })
  expect(await execute(memory, Greeting, { Name: 'Ada' }, { app: appOf() })).toBe('Hello Hello Ada')
})

test('in a plain step, ctx.app is undefined where nobody gives one', async () => {
  const look = step({ name: 'Look', output: Name, run: (_, { app }) => String(app) })
  expect(await execute(graph({ name: 'look', steps: [look] }), Name, {})).toBe('undefined')
})

test('defineSteps gives the other declarations as they are', () => {
  expect(Object.keys(typed)).toEqual([
    'step',
    'durableStep',
    'race',
    'subgraph',
    'timer',
    'machineStep',
    'signal',
    'event',
    'value',
  ])
  expect(typed.race).not.toBe(race)
})
