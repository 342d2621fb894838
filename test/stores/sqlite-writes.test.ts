import { DatabaseSync } from 'node:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { toSqlTime } from '../../stores/sql/times.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { commitTo, createOwned, recordIn, stepRecord } from '../../src/testing/conformance/records.ts'

test('of commits with the same time and owner, those of executions that are not the owner’s are refused alone', async () => {
  const store = sqliteStore(':memory:')
  await store.open()
  for (const id of ['one', 'two', 'three']) await createOwned(store, id)
  await store.commit([commitTo('two', { head: { isReleased: true } })])
  const steps = [stepRecord('A')]
  const at = Date.UTC(2030, 0, 1)
  const ids = ['one', 'two', 'gone', 'three']
  expect(await store.commit(ids.map((id) => commitTo(id, { steps, at })))).toEqual([true, false, false, true])
  expect((await store.readSteps(ids)).steps.map(({ execution }) => execution)).toEqual(['one', 'three'])
  expect((await recordIn(store, 'three')).updatedAt).toBe(at)
  expect((await recordIn(store, 'two')).updatedAt).not.toBe(at)
  expect(await store.commit(['one', 'three'].map((id) => commitTo(id, { steps, at: at + 1 })))).toEqual([true, true])
  expect((await recordIn(store, 'one')).updatedAt).toBe(at + 1)
  await store.close()
})

test('a time has the same text whatever was converted before', () => {
  const time = fc.oneof(
    fc.integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) }),
    fc.integer({ min: -3_000, max: 3_000 }),
    fc.double({ min: -3_000, max: 3_000, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(time), (times) => {
      for (const ms of times) expect(toSqlTime(ms)).toBe(new Date(ms).toISOString().replace('T', ' ').slice(0, -1))
    }),
  )
})

/** A store on a file, and a stranger's connection to it. */
async function withStranger() {
  const folder = mkdtempSync(join(tmpdir(), 'docket-locks-'))
  const path = join(folder, 'docket.db')
  const store = sqliteStore(path)
  await store.open()
  const stranger = new DatabaseSync(path)
  onTestFinished(async () => {
    await store.close()
    if (stranger.isOpen) stranger.close()
    rmSync(folder, { recursive: true })
  })
  return { store, stranger, path }
}

test('while another process has the file locked, the event loop turns, and calls go on as soon as it is free', async () => {
  const { store, stranger, path } = await withStranger()
  await createOwned(store, 'one')
  stranger.exec('begin exclusive')
  const calls = [
    store.commit([commitTo('one', { steps: [stepRecord('A')] })]),
    store.list({ limit: 10 }),
    store.renewOwner('somebody', 5_000),
    store.acquire({ owner: 'somebody', graphs: ['g'], limit: 10 }),
    store.purge({ statuses: ['completed'], endedBefore: 0, limit: 10 }),
  ]
  const second = sqliteStore(path)
  onTestFinished(() => second.close())
  const opening = second.open()
  // This very thread holds the lock: only if the event loop turns does it get here.
  await sleep(100)
  stranger.exec('rollback')
  const [committed, listed, renewed] = await Promise.all([...calls, opening])
  expect([committed, renewed]).toEqual([[true], true])
  expect(listed).toHaveLength(1)
})

test('a file that stays locked is a store that can’t be reached', async () => {
  const { store, stranger } = await withStranger()
  stranger.exec('begin exclusive')
  const error: unknown = await store.renewOwner('somebody', 5_000).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ isTransient: true })
})

test('a loop over a store that answers at once lets timers have their turn', async () => {
  const store = sqliteStore(':memory:')
  await store.open()
  onTestFinished(() => store.close())
  for (let i = 0; i < 200; i++) await createOwned(store, `e${i}`)
  const timer = sleep(1).then(() => 'fired')
  const loop = async (): Promise<string> => {
    for (let calls = 0; calls < 2_000; calls++) await store.list({ limit: 200 })
    return 'the loop was through first'
  }
  expect(await Promise.race([timer, loop()])).toBe('fired')
})

test('a setImmediate that gives a number, as some fakes do, stands in the way of no call', async () => {
  const store = sqliteStore(':memory:')
  vi.stubGlobal('setImmediate', () => 1)
  onTestFinished(() => void vi.unstubAllGlobals())
  await store.open()
  expect(await store.list({ limit: 1 })).toEqual([])
  await store.close()
})
