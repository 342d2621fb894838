import { expect, test } from 'vitest'
import { dataType, step, type, workflow } from '../../../src/index.ts'
import { number } from '../../loose-api.ts'
import { World } from '../durable-time.ts'

const Email = dataType('Email', type<string>())
const User = number('User')
const Sent = dataType('Sent', type<string>())

/** The steps of a program, which note what they do. */
function program(calls: string[] = []) {
  const create = step({
    name: 'create',
    inputs: { email: Email },
    output: User,
    run: ({ email }, { stepName, attempt }) => {
      calls.push(`${stepName} ${email} ${attempt}`)
      return email.length
    },
  })
  const send = step({
    name: 'send',
    inputs: { subject: Email },
    results: { create: User },
    output: Sent,
    run: ({ subject }, { stepName, attempt, results }) => {
      calls.push(`${stepName} ${attempt}`)
      return `${subject} to ${results.create}`
    },
  })
  const draw = (email: string, name = 'signup') =>
    workflow(name)
      .add('create', create, { email })
      .add('send', send, { subject: 'Hi' }, { dependsOn: ['create'] })
  return { draw, steps: [create, send] }
}

test('a schedule of a workflow is found, and fired, by a process that has nothing but its steps', async () => {
  const world = new World()
  const begun = program()
  const { docket, die } = world.mortal({ graphs: [], steps: begun.steps })
  const flow = begun.draw('ada')
  await docket.schedule('hourly', { graph: flow, target: flow.results, inputs: {}, every: '1m' })
  await world.clock.advance(1_000)
  die()
  // One without the steps leaves it alone, however often it looks.
  const stranger = step({ name: 'other', inputs: { email: Email }, output: User, run: ({ email }) => email.length })
  const without = world.process({ graphs: [], steps: [stranger] })
  await world.clock.advance(180_000)
  expect((await without.schedules.get('hourly'))?.failures).toBe(0)
  const calls: string[] = []
  const other = world.process({ graphs: [], steps: program(calls).steps })
  await world.clock.advance(120_000)
  expect((await other.list({ graph: 'signup' })).executions).toMatchObject([
    { status: 'completed', output: { create: 3, send: 'Hi to 3' } },
    { status: 'completed' },
    { status: 'completed' },
  ])
  expect(calls.slice(0, 2)).toEqual(['create ada 1', 'send 1'])
  // One that is declared while it looks on is fired as well.
  const late = world.mortal({ graphs: [], steps: begun.steps })
  const welcome = begun.draw('bob', 'welcome')
  await late.docket.schedule('welcome', { graph: welcome, target: welcome.results, inputs: {}, every: '1m' })
  late.die()
  await world.clock.advance(120_000)
  expect((await other.list({ graph: 'welcome' })).executions.length).toBeGreaterThanOrEqual(1)
})
