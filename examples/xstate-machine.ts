/** A graph inside the user's own XState machine: invoked like any promise or machine, with typed input and output. */
import { dataType, fromGraph, graph, step } from 'docket'
import { assign, createActor, setup, waitFor } from 'xstate'
import { z } from 'zod'

const UserID = dataType('UserID', z.object({ id: z.string() }))
const Profile = dataType('Profile', z.object({ name: z.string() }))
const Greeting = dataType('Greeting', z.string())

const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: Profile,
  run: async ({ user }) => {
    if (user.id === 'nobody') throw new Error('no such user')
    return { name: user.id.toUpperCase() }
  },
})
const greet = step({
  name: 'Greet',
  inputs: { profile: Profile },
  output: Greeting,
  run: ({ profile }) => `Hello, ${profile.name}!`,
})
const users = graph({ name: 'users', steps: [fetchProfile, greet] })

// #region machine
const loginMachine = setup({
  types: {} as { context: { name: string; greeting: string | undefined }; events: { type: 'LOG_IN'; name: string } },
  actors: { greetUser: fromGraph(users, Greeting) },
}).createMachine({
  context: { name: '', greeting: undefined },
  initial: 'loggedOut',
  states: {
    loggedOut: {
      on: { LOG_IN: { target: 'greeting', actions: assign({ name: ({ event }) => event.name }) } },
    },
    greeting: {
      invoke: {
        src: 'greetUser',
        input: ({ context }) => ({ UserID: { id: context.name } }),
        onDone: { target: 'loggedIn', actions: assign({ greeting: ({ event }) => event.output }) },
        onError: 'loggedOut',
      },
    },
    loggedIn: {},
  },
})
// #endregion

// #region actor
const actor = createActor(loginMachine)
actor.subscribe((snapshot) =>
  console.log(`${JSON.stringify(snapshot.value)} ${snapshot.context.greeting ?? ''}`.trim()),
)
actor.start()

actor.send({ type: 'LOG_IN', name: 'nobody' })
await waitFor(actor, (snapshot) => snapshot.matches('loggedOut'))
actor.send({ type: 'LOG_IN', name: 'ada' })
await waitFor(actor, (snapshot) => snapshot.matches('loggedIn'))
// #endregion
