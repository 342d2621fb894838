/** What does not compile, and which errors are thrown at run time where there is no compiler. */
import { dataType, execute, graph, step, type } from 'docket'
import { z } from 'zod'

const UserID = dataType('UserID', z.string())
const Profile = dataType('Profile', type<{ readonly name: string }>())
const Greeting = dataType('Greeting', type<string>())

const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: Profile,
  run: () => ({ name: 'Ada' }),
})
const inventProfile = step({ name: 'InventProfile', output: Profile, run: () => ({ name: 'Nobody' }) })
const greet = step({
  name: 'Greet',
  inputs: { profile: Profile },
  output: Greeting,
  run: ({ profile }) => `Hello, ${profile.name}!`,
})
const users = graph({ name: 'users', steps: [fetchProfile, greet] })

async function show(wrong: () => unknown): Promise<void> {
  try {
    await wrong()
  } catch (error) {
    console.log(String(error))
  }
}

// #region calls
// @ts-expect-error Property 'UserID' is missing
await show(() => execute(users, Greeting, {}))

// @ts-expect-error Type 'number' is not assignable to type 'string'
await show(() => execute(users, Greeting, { UserID: 42 }))

// @ts-expect-error 'UserId' does not exist; did you mean to write 'UserID'?
await show(() => execute(users, Greeting, { UserId: 'user-123' }))
// #endregion

// #region graphs
// @ts-expect-error two steps produce "Profile": step "FetchProfile" already does
await show(() => graph({ name: 'twice', steps: [fetchProfile, inventProfile] }))

// @ts-expect-error no step produces "Profile"
await show(() => graph({ name: 'hole', inputs: [], steps: [greet] }))
// #endregion

// #region cycle
// It compiles, since the compiler follows no types in a circle. graph() does, when the program starts.
const Chicken = dataType('Chicken', type<string>())
const Egg = dataType('Egg', type<string>())
const hatch = step({ name: 'Hatch', inputs: { egg: Egg }, output: Chicken, run: ({ egg }) => `out of ${egg}` })
const lay = step({ name: 'Lay', inputs: { chicken: Chicken }, output: Egg, run: ({ chicken }) => `of ${chicken}` })
await show(() => graph({ name: 'farm', steps: [hatch, lay] }))
// #endregion
