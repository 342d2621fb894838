import { describe, expect, test } from 'vitest'
import { dataType, execute, explain, graph, type, untypedGraph } from '../../src/index.ts'
import { inspect } from 'node:util'

const UserID = dataType('UserID', type<string>())
const Name = dataType('Name', type<string>())
const fetchName = { name: 'Fetch', inputs: { user: UserID }, output: Name, run: () => 'Ada' }

describe('a name that is nearly right', () => {
  test.each([
    [{ timout: '5s' }, 'unknown option "timout"; did you mean "timeout"? known are'],
    [{ retries: 3 }, 'unknown option "retries"; did you mean "retry"? known are'],
    [{ colour: 'red' }, 'unknown option "colour"; known are'],
  ])('in a step is reported with the right one: %o', (wrong, message) => {
    const step = { kind: 'step', ...fetchName, ...wrong }
    expect(() => untypedGraph({ name: 'g', steps: [step] as never })).toThrow(message)
  })

  test('in the inputs and options of a call too', async () => {
    const users = untypedGraph({ name: 'users', steps: [{ kind: 'step', ...fetchName }] as never })
    await expect(execute(users, Name, { UsrID: 'x' })).rejects.toThrow(
      'UsrID: unknown input: no such type in the graph; did you mean "UserID"?',
    )
    await expect(execute(users, Name, { UserID: 'x' }, { timout: 1 } as never)).rejects.toThrow(
      'execute: unknown option "timout"; did you mean "timeout"?',
    )
  })

  test('a data type in the place of a record of ports is reported with the way to write it', () => {
    const step = { kind: 'step', ...fetchName, inputs: UserID }
    expect(() => graph({ name: 'g', steps: [step] as never })).toThrow(
      'inputs must be an object of named ports, like { value: UserID }, not a data type itself',
    )
  })
})

test('what explain gives shows as its text when it is logged', () => {
  const users = untypedGraph({ name: 'users', steps: [{ kind: 'step', ...fetchName }] as never })
  const plan = explain(users, Name, { UserID: 'x' })
  expect(inspect(plan)).toBe(String(plan))
})
