import { expect, test } from 'vitest'
import { SqlSessions } from '../../stores/sql/sessions.ts'
import type { LocksSeen } from '../../stores/sql/sessions.ts'

/** A connection that holds the lock of every owner; its answers come when they are given. */
function lockedConnection() {
  let answer: (() => void) | undefined
  const seen: LocksSeen = { connection: '1', isHeld: true, missing: [], watched: 1 }
  const sessions = new SqlSessions({
    look: () => new Promise((resolve) => (answer = () => resolve(seen))),
    end: async () => true,
  })
  const stateOf = async (whileLooking: () => void = () => {}): Promise<string> => {
    const look = sessions.look('ada', false)
    whileLooking()
    answer!()
    return (await look).state
  }
  return { sessions, stateOf }
}

test('a lock is not counted on after a renewal that was not answered: the record may be the one before', async () => {
  const { sessions, stateOf } = lockedConnection()
  sessions.renewing('ada')
  sessions.renewed('ada', true)
  expect(await stateOf()).toBe('held')
  sessions.renewing('ada')
  expect(await stateOf()).toBe('lost')
  sessions.renewed('ada', true)
  expect(await stateOf()).toBe('held')
})

test('a look is not in doubt because of a renewal that is sent after it, or answered before it', async () => {
  const { sessions, stateOf } = lockedConnection()
  sessions.renewing('ada')
  expect(await stateOf(() => sessions.renewed('ada', true))).toBe('held')
  expect(await stateOf(() => sessions.renewing('ada'))).toBe('held')
})

test('an owner that ended, or is seen by its lease alone, is forgotten', async () => {
  const { sessions } = lockedConnection()
  for (const end of [() => sessions.forget('ada'), () => sessions.renewed('ada', false)]) {
    sessions.renewing('ada')
    expect(sessions.isClaimed('ada')).toBe(true)
    end()
    expect(sessions.isClaimed('ada')).toBe(false)
  }
})
