import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  durableStep,
  event,
  eventType,
  execute,
  explain,
  graph,
  parseInputs,
  signal,
  step,
  update,
  value,
  workflow,
} from '../../src/index.ts'
import { errorOf, expectNoUnhandledErrors, looseGraph, never, number, run } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const secret = 'hunter2'
const quoting = z.custom<string>().superRefine((given, ctx) => {
  ctx.addIssue({ code: 'custom', message: `no ${String(given)}`, path: [String(given)] })
})
/** Its schema quotes what it is given, in messages and in paths. */
const Password = dataType('Password', quoting, { sensitive: true })
const Token = dataType('Token', z.string(), { sensitive: true })
const Name = dataType('Name', z.string())
const Session = dataType('Session', z.string())

/** All that a log or a terminal would show of an error. */
function shownOf(error: unknown): string {
  const texts: string[] = []
  for (let one = error; one instanceof Error; one = one.cause)
    texts.push(one.message, String(one.stack), JSON.stringify(one), JSON.stringify({ ...one }))
  return texts.join('\n')
}

describe('an error about a value of a sensitive type says that it does not fit, and nothing of it', () => {
  const login = graph({
    name: 'login',
    steps: [step({ name: 'Login', inputs: { password: Password }, output: Session, run: () => 's' })],
  })

  test('where it is an input', async () => {
    const error = await errorOf(run(login, Session, { Password: secret }))
    expect(error).toMatchObject({ code: 'INPUT_INVALID', issues: [{ path: ['Password'] }] })
    expect(error.message).toContain('Password: does not fit its schema (what does not is left out')
    expect(shownOf(error)).not.toContain(secret)
    const parsed = await errorOf(parseInputs(login, Session, { Password: secret } as never) as Promise<unknown>)
    expect(shownOf(parsed)).not.toContain(secret)
  })

  test('where a step makes it, and where the schema itself throws', async () => {
    const throwing = dataType(
      'Throwing',
      z.string().transform((given) => {
        throw new Error(`threw for ${given}`)
      }),
      { sensitive: true },
    )
    for (const output of [Password, throwing]) {
      const made = looseGraph({ name: 'made', steps: [step({ name: 'Make', output, run: () => secret } as never)] })
      const error = await errorOf(run(made, output))
      expect(error.message).toContain('does not fit its schema')
      expect(shownOf(error)).not.toContain(secret)
      // What can't be known at once is found where it runs.
      const fixed = await errorOf(
        Promise.resolve().then(() =>
          run(looseGraph({ name: 'fixed', steps: [value(output as never, secret as never)] }), output),
        ),
      )
      expect(fixed.message).toContain('is left out, since the type is sensitive')
      expect(shownOf(fixed)).not.toContain(secret)
    }
  })

  test('where it is a signal, an update or an event', async () => {
    const world = new World()
    const Wanted = eventType('Wanted', quoting, { sensitive: true })
    const Change = update('Change', { input: quoting, output: z.string(), sensitive: true })
    const Goal = number('Goal')
    const waiting = graph({
      name: 'waiting',
      steps: [
        signal(Password),
        event(Wanted, { key: () => 'k' }),
        durableStep({
          name: 'Talk',
          output: Session,
          receives: [Change],
          run: async (_, ctx) => String(await ctx.receive(Change)),
        }),
        step({
          name: 'End',
          inputs: { password: Password, wanted: Wanted, session: Session },
          output: Goal,
          run: () => 1,
        }),
      ],
    })
    const docket = world.process({ graphs: [waiting] })
    const handle = await world.clock.settle(docket.start(waiting, Goal, {}, { id: 'x' }))
    const errors = await Promise.all([
      errorOf(world.clock.settle(handle.signal(Password, secret))),
      errorOf(world.clock.settle(handle.update(Change, secret))),
      errorOf(world.clock.settle(docket.emit(Wanted, 'k', secret))),
    ])
    for (const error of errors) {
      expect(error.message).toContain('does not fit its schema')
      expect(shownOf(error)).not.toContain(secret)
    }
    await docket.close({ deadline: 0 })
  })
})

describe('what is sensitive', () => {
  const Goal = number('Goal')
  const graphOfTokens = graph({
    name: 'tokens',
    steps: [
      step({ name: 'Login', inputs: { name: Name }, output: Token, persist: 'execution', run: () => secret }),
      step({ name: 'Use', inputs: { token: Token }, output: Goal, persist: 'execution', run: () => never<number>() }),
    ],
  })

  test('stands in plans and in what explain gives', () => {
    const plan = explain(graphOfTokens, Goal, { Name: 'ada' })
    expect(plan.steps.map(({ name, isSensitive }) => [name, isSensitive])).toEqual([
      ['Login', true],
      ['Use', false],
    ])
    expect(plan.leaves).toMatchObject([{ type: 'Name', isSensitive: false }])
    expect(plan.toString()).toContain('→ Token, sensitive')
    const given = explain(graphOfTokens, Goal, { Name: 'ada' }, { overrides: { Token: secret } })
    expect(given.leaves.find(({ type }) => type === 'Token')).toMatchObject({ isSensitive: true })
    expect(`${given.toString()}${given.toMermaid()}`).not.toContain(secret)
    expect(Token.isSensitive).toBe(true)
  })

  test('is known of each execution and step, to processes without its graph too, and code reads its values', async () => {
    const world = new World()
    const docket = world.process({ graphs: [graphOfTokens] })
    await docket.start(graphOfTokens, Goal, { Name: 'ada' }, { id: 'x' })
    await docket.startBatch(graphOfTokens, Goal, [{ Name: 'ada' }], { id: 'many' })
    await world.clock.advance(10)
    const stranger = world.process({ graphs: [], takeOver: false })
    for (const one of [docket, stranger])
      for (const id of ['x', 'many']) {
        const details = await world.clock.settle((await one.get(id))!.details())
        expect(details.sensitive).toEqual(['Token'])
        const login = details.steps.find(({ step: name }) => name === 'Login')
        expect(login).toMatchObject({ isSensitive: true, output: secret })
        expect(details.steps.find(({ step: name }) => name === 'Use')?.isSensitive).toBeUndefined()
      }
    const { executions } = await world.clock.settle(stranger.list())
    expect(executions.map(({ sensitive }) => sensitive)).toEqual([['Token'], ['Token']])
    for (const one of [docket, stranger]) await one.close({ deadline: 0 })
  })

  test('is known to be so of executions that began before it was declared sensitive', async () => {
    const world = new World()
    const Open = dataType('Token', z.string())
    const before = graph({
      name: 'tokens',
      steps: [
        step({ name: 'Login', inputs: { name: Name }, output: Open, persist: 'execution', run: () => secret }),
        step({ name: 'Use', inputs: { token: Open }, output: Goal, persist: 'execution', run: () => never<number>() }),
      ],
    })
    const docket = world.process({ graphs: [before] })
    await docket.start(before, Goal, { Name: 'ada' }, { id: 'x' })
    await world.clock.advance(10)
    expect((await docket.get('x').then((handle) => handle!.details())).sensitive).toEqual([])
    const newer = world.process({ graphs: [graphOfTokens], takeOver: false })
    expect((await world.clock.settle((await newer.get('x'))!.details())).sensitive).toEqual(['Token'])
    for (const one of [docket, newer]) await one.close({ deadline: 0 })
  })

  test('is declared so by every declaration of the type, with true or false', () => {
    const Open = dataType('Token', Token.schema as never)
    const steps = [
      step({ name: 'A', output: Token, run: () => 'a' }),
      step({ name: 'B', inputs: { token: Open }, output: Goal, run: () => 1 } as never),
    ]
    expect(() => looseGraph({ name: 'two', steps })).toThrow('have different options: only one is sensitive')
    const odd = dataType('Odd', z.string(), { sensitive: 'yes' as never })
    const oddStep = step({ name: 'A', output: odd, run: () => 'a' })
    expect(() => looseGraph({ name: 'odd', steps: [oddStep] })).toThrow('sensitive that is neither true nor false')
  })

  test('is so as an argument and a result of a node of a workflow, and in the record of all results', async () => {
    const keep = step({ name: 'Keep', inputs: { token: Token }, output: Token, run: ({ token }) => token })
    const flow = workflow('flow').add('keep', keep, { token: secret })
    expect(explain(flow, flow.results).steps.map(({ name, isSensitive }) => [name, isSensitive])).toEqual([
      ['keep', true],
      ['results', true],
    ])
    expect(explain(flow, flow.results).leaves.map(({ isSensitive }) => isSensitive)).toEqual([true])
    const error = await errorOf(execute(workflow('bad').add('keep', keep, { token: 7 as never })))
    expect(error.message).toContain('does not fit its schema')
  })

  test('runs as anything else does', async () => {
    const plain = graph({
      name: 'plain',
      steps: [
        step({ name: 'Login', inputs: { name: Name }, output: Token, run: ({ name }) => `${name}!` }),
        step({ name: 'Use', inputs: { token: Token }, output: Session, run: ({ token }) => token }),
      ],
    })
    expect(await execute(plain, Session, { Name: 'ada' })).toBe('ada!')
  })
})

test('what a step receives, publishes or answers counts among the sensitive types, and is in no export', async () => {
  const Letter = dataType('Letter', z.string(), { sensitive: true })
  const Shown = dataType('Shown', z.string(), { sensitive: true })
  const reader = durableStep({
    name: 'Read',
    output: Name,
    receives: [Letter],
    publishes: [Shown],
    run: async (_, ctx) => {
      await ctx.publish(Shown, secret)
      return `${(await ctx.receive(Letter)).value.length}`
    },
  })
  const world = new World()
  const letters = graph({ name: 'letters', steps: [reader] })
  const docket = world.process({ graphs: [letters] })
  const handle = await world.clock.settle(docket.start(letters, Name, {}, { id: 'l' }))
  await world.clock.settle(handle.signal(Letter, secret))
  await world.clock.settle(handle.result())
  const exported = await world.clock.settle(docket.export('l'))
  expect(exported.sensitive).toEqual(['Letter', 'Shown'])
  expect(JSON.stringify(exported)).not.toContain(secret)
})

test('what was stored under the former name of a sensitive type is in no export', async () => {
  const world = new World()
  const Old = dataType('Card', z.string(), { sensitive: true })
  const Renamed = dataType('PayCard', z.string(), { sensitive: true, formerly: 'Card' })
  const of = (card: typeof Old | typeof Renamed) =>
    looseGraph({
      name: 'cards',
      steps: [step({ name: 'Take', inputs: { card }, output: Name, run: () => 'taken' } as never)],
    })
  const cards = of(Old)
  const before = world.process({ graphs: [cards] })
  await world.clock.settle(before.execute(cards, Name, { Card: secret } as never, { id: 'c' }))
  const after = world.process({ graphs: [of(Renamed)] })
  const exported = await world.clock.settle(after.export('c'))
  expect(exported.sensitive).toEqual(['PayCard'])
  expect(JSON.stringify(exported)).not.toContain(secret)
})
