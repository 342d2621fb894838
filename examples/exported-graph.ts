/** A graph for other modules and packages, under `isolatedDeclarations`: what is exported says its type. */
import { dataType, execute, graph, step } from 'docket'
import type { DataType, Graph, Step } from 'docket'
import { z } from 'zod'

// #region annotated
export const UserID: DataType<'UserID', { id: string }> = dataType('UserID', z.object({ id: z.string() }))
export const Greeting: DataType<'Greeting', string> = dataType('Greeting', z.string())

export const greet: Step<{ readonly user: typeof UserID }, typeof Greeting, 'Greet'> = step({
  name: 'Greet',
  inputs: { user: UserID },
  output: Greeting,
  run: ({ user }) => `Hello, ${user.id}!`,
})
export const users: Graph<'users', readonly [typeof greet]> = graph({ name: 'users', steps: [greet] })
// #endregion

// #region function
const inner = graph({ name: 'users', steps: [greet] })

export function greetingOf(id: string): Promise<string> {
  return execute(inner, Greeting, { UserID: { id } })
}
// #endregion

console.log(await execute(users, Greeting, { UserID: { id: 'user-123' } }))
console.log(await greetingOf('user-456'))
