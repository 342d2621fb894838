import { dataType, execute, graph, step } from 'docket'
import { z } from 'zod'

const UserID = dataType('UserID', z.object({ id: z.string() }))
const Profile = dataType('Profile', z.object({ name: z.string() }))
const Preferences = dataType('Preferences', z.object({ language: z.string() }))
const Greeting = dataType('Greeting', z.string())

const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: Profile,
  run: async ({ user }) => ({ name: user.id === 'user-123' ? 'Ada' : 'whoever you are' }),
})
const fetchPreferences = step({
  name: 'FetchPreferences',
  inputs: { user: UserID },
  output: Preferences,
  run: async () => ({ language: 'fr' }),
})
const greet = step({
  name: 'Greet',
  inputs: { profile: Profile, preferences: Preferences },
  output: Greeting,
  run: ({ profile, preferences }) => `${preferences.language === 'fr' ? 'Bonjour' : 'Hello'}, ${profile.name}!`,
})

const users = graph({ name: 'users', steps: [fetchProfile, fetchPreferences, greet] })

console.log(await execute(users, Greeting, { UserID: { id: 'user-123' } }))
