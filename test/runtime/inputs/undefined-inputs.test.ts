import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  execute,
  executeBatch,
  explain,
  fromGraph,
  graph,
  InputError,
  parseInputs,
  step,
  type,
} from '../../../src/index.ts'
import { rejectionOf, run } from '../../loose-api.ts'

const Note = dataType('Note', z.string().optional())
const Anything = dataType('Anything', type<unknown>())
const Nothing = dataType('Nothing', type<void>())
const Id = dataType('Id', z.string())
const Letter = dataType('Letter', z.string())

const letters = graph({
  name: 'letters',
  steps: [
    step({
      name: 'Write',
      inputs: { note: Note, anything: Anything, nothing: Nothing },
      output: Letter,
      run: ({ note, anything, nothing }) => [note, anything, nothing].map(String).join(),
    }),
  ],
})
const given = { Note: undefined, Anything: undefined, Nothing: undefined }
const written = 'undefined,undefined,undefined'

describe('an input that is given with the value undefined, which its type allows,', () => {
  test('is given', async () => {
    expect(await execute(letters, Letter, given)).toBe(written)
  })

  test('is an input of an actor', async () => {
    const actor = createActor(fromGraph(letters, Letter), { input: given })
    actor.start()
    expect(await toPromise(actor)).toBe(written)
  })

  test('is given in the items of a batch, and in what they share', async () => {
    const { Note: note, ...shared } = given
    const items = [{ Note: note }, { Note: 'hello' }]
    const all = [written, 'hello,undefined,undefined']
    expect(await executeBatch(letters, Letter, items, { shared })).toEqual(all)
    expect(await executeBatch(letters, Letter, [given])).toEqual([written])
  })

  test('is given to explain', () => {
    expect(explain(letters, Letter, given)).toMatchObject({ missing: [], steps: [{ will: 'run' }] })
    expect(explain(letters, Letter, {}).missing).toEqual(['Note', 'Anything', 'Nothing'])
  })

  test('is one of the inputs that parseInputs gives', async () => {
    const notes = graph({
      name: 'notes',
      steps: [step({ name: 'Read', inputs: { note: Note }, output: Letter, run: String })],
    })
    expect(Object.keys(await parseInputs(notes, Letter, { Note: undefined }))).toEqual(['Note'])
    expect(await rejectionOf(parseInputs(notes, Letter, {}))).toBeInstanceOf(InputError)
  })

  test('is missing where its key is', async () => {
    const error = (await rejectionOf(run(letters, Letter, { Note: undefined }))) as InputError
    expect(error.issues.map(({ path }) => path)).toEqual([['Anything'], ['Nothing']])
  })
})

test('a schema says of an input that is undefined that it does not take it, before anything runs', async () => {
  const ran: string[] = []
  const strict = graph({
    name: 'strict',
    steps: [step({ name: 'Send', inputs: { id: Id }, output: Letter, run: ({ id }) => (ran.push(id), id) })],
  })
  const error = (await rejectionOf(run(strict, Letter, { Id: undefined }))) as InputError
  expect(error).toBeInstanceOf(InputError)
  expect(error.issues).toMatchObject([{ path: ['Id'], message: expect.stringContaining('undefined') as string }])
  expect(ran).toEqual([])
})
