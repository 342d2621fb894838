import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { conformanceGroup } from '../../src/testing/conformance/conformance-group.ts'
import { live, longLease, newExecution } from '../../src/testing/conformance/records.ts'
import { timeOfDayConformance } from '../../src/testing/conformance/time-of-day.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { machineTime } from '../../stores/sql/machine-time.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'docket-machine-time-'))
}

describe('by the clocks of the host: memory', () => {
  timeOfDayConformance(
    conformanceGroup(
      { describe, test },
      {
        name: 'memory',
        capabilities: { transactions: false, isShared: false },
        sendsHints: true,
        createSpace: () => ({ createStore: () => memoryStore() }),
      },
    ),
  )
})

describe('by the clocks of the host: sqlite', () => {
  timeOfDayConformance(
    conformanceGroup(
      { describe, test },
      {
        name: 'sqlite',
        capabilities: { transactions: false, isShared: true },
        sendsHints: false,
        createSpace() {
          const folder = newFolder()
          return {
            createStore: () => sqliteStore({ path: join(folder, 'docket.db'), synchronous: 'normal' }),
            dispose: async () => rmSync(folder, { recursive: true }),
          }
        },
      },
    ),
  )
})

test('all processes of a machine read the same time', () => {
  const module = join(import.meta.dirname, '../../stores/sql/machine-time.ts')
  const script = `import { machineTime } from ${JSON.stringify(module)}; console.log(machineTime()())`
  const time = machineTime()
  const before = time()
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const after = time()
  // Each process reads two clocks one after the other.
  expect(Number(stdout)).toBeGreaterThan(before - 5)
  expect(Number(stdout)).toBeLessThan(after + 5)
})

test('owners of before the machine was started anew are dead, and forgotten once nothing is theirs', async () => {
  const folder = newFolder()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'docket.db')
  const before = sqliteStore({ path, elapsed: () => 864_000_000 })
  await before.open()
  await live(before, 'ada', 'idle')
  await before.create([newExecution('one', { owner: 'ada' })])
  await before.close()
  const after = sqliteStore({ path, elapsed: () => 20_000 })
  await after.open()
  await live(after, 'bea')
  expect(await after.renewOwner('ada', longLease)).toBe(false)
  expect(await after.acquire({ owner: 'bea', graphs: ['users'], limit: 1 })).toMatchObject([{ wasLost: true }])
  await after.endOwner('bea')
  await after.close()
  const database = new DatabaseSync(path)
  const owners = database.prepare('select owner from docket_owners order by owner').all()
  expect(owners.map((row) => row['owner'])).toEqual(['bea'])
  database.close()
})

test.each([
  ['memory', () => memoryStore()],
  ['sqlite', () => sqliteStore(':memory:')],
])('fake timers that come and go leave the leases of a %s store as they are', async (_, newStore) => {
  const store = newStore()
  await store.open()
  onTestFinished(() => store.close())
  onTestFinished(() => void vi.useRealTimers())
  const renew = (): Promise<boolean> => store.renewOwner('ada', 60_000)
  await renew()
  vi.useFakeTimers()
  expect(await renew()).toBe(true)
  vi.advanceTimersByTime(59_000)
  expect(await renew()).toBe(true)
  vi.useRealTimers()
  expect(await renew()).toBe(true)
  vi.useFakeTimers()
  expect(await renew()).toBe(true)
  vi.advanceTimersByTime(61_000)
  expect(await renew()).toBe(false)
})
