import { create, fromBinary, isMessage, toBinary } from '@bufbuild/protobuf'
import { dataType, execute, executeBatch, graph, InputError, step, StepError } from 'docket'
import { describe, expect, test } from 'vitest'
import {
  EnrichedUserSchema,
  UserIDSchema,
  UserPreferencesSchema,
  UserProfileSchema,
} from '../../../examples/protobuf/users_pb.ts'

const UserID = dataType(UserIDSchema)
const UserProfile = dataType('UserProfile', UserProfileSchema)
const EnrichedUser = dataType('EnrichedUser', EnrichedUserSchema)

const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: UserProfile,
  run: ({ user }) => create(UserProfileSchema, { name: 'Alice', email: `${user.id}@example.com` }),
})
const enrich = step({
  name: 'Enrich',
  inputs: { profile: UserProfile },
  output: EnrichedUser,
  run: ({ profile }) =>
    create(EnrichedUserSchema, { profile, preferences: create(UserPreferencesSchema, { darkMode: true }) }),
})
const users = graph({ name: 'users', steps: [fetchProfile, enrich] })
const alice = create(UserIDSchema, { id: 'alice' })

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`it gave ${String(value)}`),
    (error: unknown) => error,
  )
}

describe('the name of the data type', () => {
  test("is the message's full name when the descriptor stands alone", () => {
    expect(UserID.name).toBe('users.v1.UserID')
  })

  test('is the given one before a descriptor', () => {
    expect(UserProfile.name).toBe('UserProfile')
  })

  test('keeps its version', () => {
    expect(dataType(UserIDSchema, { version: '2' }).version).toBe('2')
    expect(dataType('UserID', UserIDSchema, { version: '2' }).version).toBe('2')
  })
})

describe('a message', () => {
  test('goes through the graph and comes out as one that encodes', async () => {
    const user = await execute(users, EnrichedUser, { 'users.v1.UserID': alice })
    expect(isMessage(user, EnrichedUserSchema)).toBe(true)
    const read = fromBinary(EnrichedUserSchema, toBinary(EnrichedUserSchema, user))
    expect(read).toEqual(user)
    expect(read.profile?.email).toBe('alice@example.com')
    expect(read.preferences?.darkMode).toBe(true)
  })

  test('decoded from bytes is as good as a created one', async () => {
    const decoded = fromBinary(UserIDSchema, toBinary(UserIDSchema, alice))
    const profile = await execute(users, UserProfile, { 'users.v1.UserID': decoded })
    expect(profile.email).toBe('alice@example.com')
  })

  test('is an item of a batch like any value', async () => {
    const items = ['alice', 'bob'].map((id) => ({ 'users.v1.UserID': create(UserIDSchema, { id }) }))
    const profiles = await executeBatch(users, UserProfile, items)
    expect(profiles.map((profile) => profile.email)).toEqual(['alice@example.com', 'bob@example.com'])
  })

  test('may be declared twice from one descriptor, since it is one shape', () => {
    const again = step({
      name: 'Print',
      inputs: { user: dataType(UserIDSchema) },
      output: EnrichedUser,
      run: () => create(EnrichedUserSchema),
    })
    expect(() => graph({ name: 'twice', steps: [fetchProfile, again] })).not.toThrow()
  })
})

describe('what is not the message that the type wants', () => {
  test('is refused as a leaf input: another message', async () => {
    // The compiler sees it too; here somebody has silenced it.
    const inputs = { 'users.v1.UserID': create(UserProfileSchema, { name: 'Alice' }) as never }
    const error = await failureOf(execute(users, UserProfile, inputs))
    expect(error).toBeInstanceOf(InputError)
    expect(error).toMatchObject({ code: 'INPUT_INVALID', issues: [{ path: ['users.v1.UserID'] }] })
    expect(String(error)).toContain(
      'expected a protobuf message "users.v1.UserID", got a message "users.v1.UserProfile"',
    )
  })

  test.each([
    ['an object without a type', { id: 'alice' }, 'make messages with create(Schema, { … })'],
    ['a text', 'alice', 'got "alice"'],
    ['null', null, 'got null'],
    ['an array', [alice], 'got an array'],
  ])('is refused as a leaf input: %s', async (_, value, told) => {
    const error = await failureOf(execute(users, UserProfile, { 'users.v1.UserID': value as never }))
    expect(error).toBeInstanceOf(InputError)
    expect(String(error)).toContain(told)
  })

  test('fails the step that returns it', async () => {
    const wrong = step({
      name: 'Wrong',
      inputs: { user: UserID },
      output: UserProfile,
      run: ({ user }) => user as never,
    })
    const error = await failureOf(
      execute(graph({ name: 'wrong', steps: [wrong] }), UserProfile, { 'users.v1.UserID': alice }),
    )
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({ step: 'Wrong', cause: { code: 'OUTPUT_INVALID' } })
  })

  test('is refused by the compiler', () => {
    const profile = create(UserProfileSchema, { name: 'Alice' })
    // @ts-expect-error another message, though both are objects of texts
    void (() => execute(users, UserProfile, { 'users.v1.UserID': profile }))
    // @ts-expect-error a short name is not the full one
    void (() => execute(users, UserProfile, { UserID: alice }))
  })
})

describe('as a remembered value, a message', () => {
  let runs = 0
  const remembered = step({
    name: 'Remembered',
    inputs: { user: UserID },
    output: EnrichedUser,
    persist: 'global',
    run: ({ user }) => {
      runs++
      return create(EnrichedUserSchema, { profile: { name: user.id, email: '' } })
    },
  })
  const cached = graph({ name: 'protobuf-cache', steps: [remembered] })

  test('is kept under a key of its fields and stays a message', async () => {
    const first = await execute(cached, EnrichedUser, { 'users.v1.UserID': create(UserIDSchema, { id: 'carol' }) })
    const second = await execute(cached, EnrichedUser, { 'users.v1.UserID': create(UserIDSchema, { id: 'carol' }) })
    expect(runs).toBe(1)
    expect(second).not.toBe(first)
    expect(isMessage(second, EnrichedUserSchema)).toBe(true)
    expect(toBinary(EnrichedUserSchema, second)).toEqual(toBinary(EnrichedUserSchema, first))
    await execute(cached, EnrichedUser, { 'users.v1.UserID': create(UserIDSchema, { id: 'dave' }) })
    expect(runs).toBe(2)
  })

  test('with fields that its schema does not know keeps them', async () => {
    const bytes = Uint8Array.of(0x0a, 0x01, 0x78, 0x52, 0x01, 0x79) // id: "x", and a field 10
    const withUnknown = fromBinary(UserIDSchema, bytes)
    expect(withUnknown.$unknown).toHaveLength(1)
    const keep = step({
      name: 'Keep',
      inputs: { profile: UserProfile },
      output: UserID,
      persist: 'global',
      run: () => withUnknown,
    })
    const keeping = graph({ name: 'protobuf-unknown', steps: [keep] })
    const inputs = { UserProfile: create(UserProfileSchema, { name: 'x' }) }
    await execute(keeping, UserID, inputs)
    const second = await execute(keeping, UserID, inputs)
    expect(toBinary(UserIDSchema, second)).toEqual(bytes)
  })
})
