/**
 * Protobuf messages as data types. `users_pb.ts` was generated from `users.proto`:
 * `protoc -I examples/protobuf --es_out=examples/protobuf --es_opt=target=ts users.proto`, with @bufbuild/protoc-gen-es.
 */
import { create, toJsonString } from '@bufbuild/protobuf'
import { dataType, execute, graph, step } from 'docket'
import { EnrichedUserSchema, UserIDSchema, UserPreferencesSchema, UserProfileSchema } from './users_pb.ts'

// #region types
// A descriptor alone gives the message's full name, 'users.v1.UserID'; a name before it is used instead.
const UserID = dataType(UserIDSchema)
const UserProfile = dataType('UserProfile', UserProfileSchema)
const UserPreferences = dataType('UserPreferences', UserPreferencesSchema)
const EnrichedUser = dataType('EnrichedUser', EnrichedUserSchema)
// #endregion

// #region steps
const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: UserProfile,
  persist: 'global',
  run: async ({ user }) => create(UserProfileSchema, { name: 'Alice', email: `${user.id}@example.com` }),
})
const fetchPreferences = step({
  name: 'FetchPreferences',
  inputs: { user: UserID },
  output: UserPreferences,
  run: async () => create(UserPreferencesSchema, { darkMode: true }),
})
const enrich = step({
  name: 'Enrich',
  inputs: { profile: UserProfile, preferences: UserPreferences },
  output: EnrichedUser,
  run: ({ profile, preferences }) => create(EnrichedUserSchema, { profile, preferences }),
})
// #endregion

const users = graph({ name: 'users', steps: [fetchProfile, fetchPreferences, enrich] })

// #region execute
const user = await execute(users, EnrichedUser, { 'users.v1.UserID': create(UserIDSchema, { id: 'alice' }) })
console.log(toJsonString(EnrichedUserSchema, user))
// #endregion
