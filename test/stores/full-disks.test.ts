import { execFile } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { serverUser, startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'

const run = promisify(execFile)

/** A disk of a few megabytes; undefined where this user may mount nothing. */
async function mountSmallDisk(megabytes: number): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'docket-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
  return folder
}

async function removeDisk(folder: string): Promise<void> {
  await run('umount', ['-l', folder])
  rmSync(folder, { recursive: true })
}

/** Fills a disk up to the last byte, and gives what makes room again. */
function fill(folder: string): () => void {
  const file = join(folder, 'ballast')
  for (const size of [2 ** 18, 2 ** 12, 1])
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // The next one fills what is left.
    }
  return () => rmSync(file)
}

const Seed = dataType('Seed', type<string>())
const Made = dataType('Made', type<string>())
const Whole = dataType('Whole', type<string>())

/** Executions and a batch go on through a time in which nothing can be written: nobody sees it, and no step runs twice. */
async function goThrough(store: Store, begin: () => Promise<unknown>, end: () => Promise<unknown>): Promise<void> {
  const runs: string[] = []
  const begun = Promise.withResolvers<void>()
  const make = step({
    name: 'Make',
    inputs: { seed: Seed },
    output: Made,
    persist: 'execution',
    async run({ seed }) {
      runs.push(`make ${seed}`)
      // However long the machine takes to come to that: nothing is written before.
      if (seed !== 'first') await begun.promise
      return 'x'.repeat(60_000)
    },
  })
  const finish = step({
    name: 'Finish',
    inputs: { made: Made, seed: Seed },
    output: Whole,
    persist: 'execution',
    run({ made, seed }) {
      runs.push(`finish ${seed}`)
      return `${seed} ${made.length}`
    },
  })
  const shop = graph({ name: 'shop', steps: [make, finish] })
  await using docket = createDocket({ graphs: [shop], store })
  await docket.execute(shop, Whole, { Seed: 'first' }, { id: 'first' })
  let hasEnded = false
  const seeds = Array.from({ length: 12 }, (_, index) => `s${index}`)
  const outputs = Promise.all([
    ...seeds.map((seed) => docket.execute(shop, Whole, { Seed: seed }, { id: seed })),
    (await docket.startBatch(shop, Whole, [{ Seed: 'b' }], { id: 'batch' })).result(),
  ])
  outputs.catch(() => {})
  await sleep(50)
  await begin()
  begun.resolve()
  try {
    outputs.then(
      () => (hasEnded = true),
      () => (hasEnded = true),
    )
    await sleep(1_200)
    expect(hasEnded, 'nothing can be written').toBe(false)
  } finally {
    await end()
  }
  expect(await outputs).toEqual([...seeds.map((seed) => `${seed} 60000`), ['b 60000']])
  expect(runs).toHaveLength(2 * 14)
  expect(new Set(runs).size).toBe(runs.length)
}

const probe = await mountSmallDisk(1)
if (probe !== undefined) await removeDisk(probe)

describe('a disk that is full fails nobody, and nothing runs twice:', () => {
  // Only root mounts disks; elsewhere `passing-refusals.test.ts` tries what servers say of them.
  test.skipIf(probe === undefined)('SQLite on a disk of 4 MB', async () => {
    const disk = (await mountSmallDisk(4))!
    onTestFinished(() => removeDisk(disk))
    let makeRoom: (() => void) | undefined
    await goThrough(
      sqliteStore(join(disk, 'docket.db')),
      async () => (makeRoom = fill(disk)),
      async () => makeRoom?.(),
    )
  })

  test.skipIf(probe === undefined)('PostgreSQL with its tables on a disk of 24 MB', async () => {
    const disk = (await mountSmallDisk(24))!
    onTestFinished(() => removeDisk(disk))
    const { uid, gid } = await serverUser()
    chownSync(disk, uid!, gid!)
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const admin = new pg.Client(server.url)
    await admin.connect()
    await admin.query(`create tablespace small location '${disk}'`)
    await admin.query('create schema app')
    await admin.query(`alter database postgres set default_tablespace = small`)
    await admin.end()
    let makeRoom: (() => void) | undefined
    await goThrough(
      postgresStore({ url: server.url, schema: 'app' }),
      async () => (makeRoom = fill(disk)),
      async () => makeRoom?.(),
    )
  })

  test('Redis whose memory is used up', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const admin = new Redis(server.url)
    onTestFinished(() => admin.disconnect())
    await goThrough(
      redisStore(server.url),
      () => admin.config('SET', 'maxmemory', '1mb'),
      () => admin.config('SET', 'maxmemory', '0'),
    )
  })
})
