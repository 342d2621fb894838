/** A signup as a graph drawn by name: one step after the other, two at once, and results that are read by the names of their nodes. */
import { createDocket, dataType, step, type, workflow } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

// #region steps
const Email = dataType('Email', z.email())
const User = dataType('User', z.object({ id: z.number(), email: z.string() }))
const Activation = dataType('Activation', z.object({ at: z.string() }))
const Notice = dataType('Notice', type<string>())

const createUser = step({
  name: 'create_user',
  inputs: { email: Email },
  output: User,
  run: ({ email }) => ({ id: 12_345, email }),
})
const activateUser = step({
  name: 'activate_user',
  results: { create_user: User }, // what it reads, by the name of the node
  output: Activation,
  timeout: '5m', // what a step says itself stands above what is said where it is added
  retry: { maxAttempts: 3 },
  run: (_, { results }) => {
    console.log(`activating user ${results.create_user.id}`)
    return { at: '2026-11-29' }
  },
})
const notify = step({
  name: 'notify',
  inputs: { by: Notice },
  results: { create_user: User, activate_user: Activation },
  output: Notice,
  run: ({ by }, { results }) => `${by} to ${results.create_user.email}: active since ${results.activate_user.at}`,
})
// #endregion

// #region draw
const signup = (email: string) =>
  workflow('user_signup', { defaults: { timeout: '1m' } })
    .add('create_user', createUser, { email })
    .add('activate_user', activateUser, {}, { dependsOn: ['create_user'], priority: 5 })
    // The same step twice: each node has a result of its own, and both run at once.
    .add('send_email', notify, { by: 'mail' }, { dependsOn: ['create_user', 'activate_user'] })
    .add('send_sms', notify, { by: 'sms' }, { dependsOn: ['create_user', 'activate_user'] })
// #endregion

// #region run
await using docket = createDocket({
  graphs: [],
  steps: [createUser, activateUser, notify], // whichever workflow they are of
  store: memoryStore(),
})
const handle = await docket.start(signup('ada@example.com'), { id: 'signup:ada' })
const { send_email, send_sms } = await handle.result()
console.log(send_email)
console.log(send_sms)
// #endregion

const { steps } = await handle.details()
console.log(steps.map(({ step: node, status }) => `${node} ${status}`).join(', '))
const wrong = await docket.start(signup('nobody')).catch(String)
console.log(wrong)
