import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, step, subgraph, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Note = dataType('Note', type<string | undefined>())
const Trimmed = dataType(
  'Trimmed',
  z.string().transform((text) => (text === '' ? undefined : text)),
)
const Letter = dataType('Letter', type<string>())
const Sent = dataType('Sent', type<string>())
const given = { Note: undefined, Trimmed: '' }

function letters(run: (text: string) => string | Promise<string>) {
  const write = step({
    name: 'Write',
    inputs: { note: Note, trimmed: Trimmed },
    output: Letter,
    persist: 'execution',
    run: ({ note, trimmed }) => run(`${note},${trimmed}`),
  })
  return graph({ name: 'letters', steps: [write] })
}

const never = () => new Promise<string>(() => {})

test('an input that is undefined, or that its schema makes so, is the same for whoever goes on', async () => {
  const world = new World()
  const doomed = letters(never)
  const { docket, die } = world.mortal({ graphs: [doomed] })
  await docket.start(doomed, Letter, given, { id: 'a' })
  await docket.startBatch(doomed, Letter, [{ Trimmed: '' }, { Trimmed: 'x' }], { id: 'b', shared: { Note: undefined } })
  await world.clock.advance(10)
  die()
  await world.clock.advance(60_000)
  await using heir = world.process({ graphs: [letters((text) => text)] })
  expect(await world.clock.settle((await heir.get('a'))!.result())).toBe('undefined,undefined')
  expect(await world.clock.settle((await heir.get('b'))!.result())).toEqual(['undefined,undefined', 'undefined,x'])
})

test('a child that is given undefined goes on with it', async () => {
  const world = new World()
  const mail = (inner: ReturnType<typeof letters>) =>
    graph({
      name: 'mail',
      steps: [
        subgraph(inner, Letter),
        step({ name: 'Send', inputs: { letter: Letter }, output: Sent, run: ({ letter }) => `sent ${letter}` }),
      ],
    })
  const doomed = mail(letters(never))
  const { docket, die } = world.mortal({ graphs: [doomed] })
  await docket.start(doomed, Sent, given, { id: 'a' })
  await world.clock.advance(10)
  die()
  await world.clock.advance(60_000)
  await using heir = world.process({ graphs: [mail(letters((text) => text))] })
  expect(await world.clock.settle((await heir.get('a'))!.result())).toBe('sent undefined,undefined')
})

test('an interceptor may make an input undefined where its type allows that', async () => {
  const world = new World()
  const known = letters((text) => text)
  await using docket = world.process({
    graphs: [known],
    interceptors: [{ start: (call, next) => next({ inputs: { ...call.inputs, Note: undefined } }) }],
  })
  const done = docket.execute(known, Letter, { Note: 'a note', Trimmed: '' }, { id: 'a' })
  expect(await world.clock.settle(done)).toBe('undefined,undefined')
})
