// What steps share that is no value: connections, clients, configuration. The docket, or the call, brings it; tests bring another one.
import { createDocket, dataType, defineSteps, execute, graph, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const UserID = dataType('UserID', z.string())
const User = dataType('User', z.object({ name: z.string() }))
const Greeting = dataType('Greeting', z.string())

// #region define
interface App {
  readonly users: { find(id: string): Promise<{ name: string }> }
}
const withApp = defineSteps<App>()

const loadUser = withApp.step({
  name: 'LoadUser',
  inputs: { id: UserID },
  output: User,
  run: ({ id }, { app }) => app.users.find(id),
})
const greet = step({
  name: 'Greet',
  inputs: { user: User },
  output: Greeting,
  run: ({ user }) => `Hello, ${user.name}!`,
})
const greetings = graph({ name: 'greetings', steps: [loadUser, greet] })
// #endregion

const database: App = { users: { find: async (id) => ({ name: `user ${id} of the database` }) } }
// #region give
await using docket = createDocket({ graphs: [greetings], store: memoryStore(), app: database })
console.log(await docket.execute(greetings, Greeting, { UserID: '7' }))

// A test brings its own.
const app: App = { users: { find: async () => ({ name: 'Ada' }) } }
console.log(await execute(greetings, Greeting, { UserID: '7' }, { app }))
// #endregion
