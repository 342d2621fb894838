import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { spawnWorker } from './child-worker.ts'
import { placeMaker } from './place.ts'
import type { Place } from './place.ts'
import { startProcess } from './processes.ts'
import type { AtEnd } from './processes.ts'
import { relay, Second } from './relay.ts'
import { openStore } from './store-address.ts'

const newPlace = await placeMaker()

// Far longer than a test: whoever goes on has not waited for a lease.
const lease = '10m'
const patience = { timeout: 30_000, interval: 100 }

interface Session {
  readonly owner: string
  /** Of its connection to the server. */
  readonly connection: number
}

/** Owners that live, and the connections by which they are seen. */
async function sessionsOf(place: Place): Promise<readonly Session[]> {
  if (place.kind === 'redis') return redisSessionsOf(place)
  const rows =
    place.kind === 'postgres'
      ? await place.sql(`select o.owner, l.pid as connection from docket_owners o join pg_locks l
          on l.locktype = 'advisory' and l.objsubid = 1 and (l.classid::bigint << 32) | l.objid::bigint = o.session_key
          where o.expires_at > now()`)
      : await place.sql(`select owner, if(session_lock is null, null, is_used_lock(substring_index(session_lock, '/', -1))) as connection
          from docket_owners where expires_at > utc_timestamp(3) having connection is not null`)
  return rows.map((row) => ({ owner: String(row['owner']), connection: Number(row['connection']) }))
}

async function redisSessionsOf({ redis, layout }: Place): Promise<readonly Session[]> {
  const sessions = Object.entries(await redis.hgetall(layout.sessions))
  const listed = String(await redis.client('LIST'))
  return sessions
    .map(([owner, session]) => ({ owner, connection: Number(session.split(' ')[1]) }))
    .filter(({ connection }) => listed.includes(`id=${connection} `))
}

async function cut(place: Place, { connection }: Session): Promise<void> {
  if (place.kind === 'redis') await place.redis.client('KILL', 'ID', connection)
  else await place.sql(place.kind === 'postgres' ? `select pg_terminate_backend(${connection})` : `kill ${connection}`)
}

let gone = 0

/** Resolves once a process has seen for long enough that another one is gone: it ends a made-up owner without a connection. */
async function judgement(place: Place): Promise<void> {
  if (place.kind === 'redis') return redisJudgement(place)
  const owner = `gone-${++gone}`
  await place.sql(
    place.kind === 'postgres'
      ? `insert into docket_owners (owner, seen_at, expires_at, session_key)
          values ('${owner}', now(), now() + interval '10 minutes', ${gone})`
      : `insert into docket_owners (owner, seen_at, expires_at, session_lock)
          select '${owner}', utc_timestamp(3), utc_timestamp(3) + interval 10 minute, concat(session_lock, '-${gone}')
          from docket_owners where session_lock is not null limit 1`,
  )
  const now = place.kind === 'postgres' ? 'now()' : 'utc_timestamp(3)'
  await vi.waitFor(async () => {
    expect(await place.sql(`select owner from docket_owners where owner = '${owner}' and expires_at > ${now}`)).toEqual(
      [],
    )
  }, patience)
}

async function redisJudgement({ redis, layout }: Place): Promise<void> {
  const owner = `gone-${++gone}`
  const [session] = Object.values(await redis.hgetall(layout.sessions))
  const [run] = session!.split(' ')
  await redis.zadd(layout.leases, Date.now() + 600_000, owner)
  // No connection has such a number.
  await redis.hset(layout.sessions, owner, `${run} ${2 ** 40 + gone} 1`)
  await vi.waitFor(async () => expect(await redis.hget(layout.sessions, owner)).toBe(null), patience)
}

/** A process that has looked for long enough to judge, and one whose execution "a" is under way. */
async function pair(place: Place, more: { readonly isFirstHeld?: boolean; readonly secondMs: number }, atEnd: AtEnd) {
  const healthy = relay()
  const survivor = startProcess(place, { graphs: [healthy.relay], lease }, atEnd)
  await survivor.docket.resume()
  const [own] = await sessionsOf(place)
  const worker = spawnWorker({ address: place.address, id: 'a', lease, ...more }, {}, 'worker-process.ts', atEnd)
  await worker.said('began First')
  const theirs = await vi.waitFor(async () => {
    const found = (await sessionsOf(place)).find(({ owner }) => owner !== own!.owner)
    expect(found).toBeDefined()
    return found!
  }, patience)
  // It does not judge before it has looked for five seconds.
  await judgement(place)
  return { place, healthy, survivor, worker, theirs }
}

describe.each(['postgres', 'mysql', 'redis'] as const)('a process whose connection %s sees', (kind) => {
  type Case = 'killed' | 'cut' | 'replaced' | 'still'
  const pairs = {} as Record<Case, Awaited<ReturnType<typeof pair>>>
  const ends: (() => Promise<void> | void)[] = []

  // All of them wait for seconds until they may judge: side by side.
  beforeAll(async () => {
    const held = { isFirstHeld: true, secondMs: 100 }
    const cases = { killed: { secondMs: 600_000 }, cut: held, replaced: held, still: held }
    await Promise.all(
      Object.entries(cases).map(async ([name, more]) => {
        pairs[name as Case] = await pair(await newPlace(kind), more, (end) => void ends.push(end))
      }),
    )
  })
  afterAll(async () => void (await Promise.all(ends.map((end) => end()))))

  test('is replaced as soon as it is killed, and listed no more, however long its lease is', async () => {
    const { healthy, survivor, worker } = pairs.killed
    expect((await survivor.docket.workers()).map(({ isHere }) => isHere)).toEqual([true, false])
    worker.kill()
    expect(await (await survivor.docket.get('a'))!.result()).toBe(3)
    expect((await survivor.docket.workers()).map(({ isHere }) => isHere)).toEqual([true])
    expect(healthy.runs).toEqual(['a Second'])
    expect(survivor.events.filter(({ type }) => type === 'execution.resumed')).toMatchObject([{ after: 'death' }])
  })

  test('keeps what it has when only its connections are cut, again and again', async () => {
    const { place, healthy, survivor, worker, theirs } = pairs.cut
    const cuts = new Set<number>()
    for (let times = 0; times < 6; times++) {
      const session = await vi.waitFor(async () => {
        const found = (await sessionsOf(place)).find(({ owner }) => owner === theirs.owner)
        expect(found).toBeDefined()
        expect(cuts).not.toContain(found!.connection)
        return found!
      }, patience)
      cuts.add(session.connection)
      await cut(place, session)
    }
    worker.signal('SIGUSR2')
    expect(await worker.exit).toBe(0)
    expect(worker.lines).toEqual(['began First', 'did First', 'began Second', 'did Second', 'result 3'])
    expect([healthy.runs, survivor.acquired]).toEqual([[], []])
  })

  test('begins nothing any more when it was stopped, cut off and replaced', async () => {
    const { place, healthy, survivor, worker, theirs } = pairs.replaced
    worker.signal('SIGSTOP')
    await cut(place, theirs)
    const handle = (await survivor.docket.get('a'))!
    expect(await handle.result()).toBe(3)
    worker.signal('SIGUSR2')
    worker.signal('SIGCONT')
    await worker.exit
    expect(healthy.runs).toEqual(['a First', 'a Second'])
    expect(worker.lines).not.toContain('began Second')
    expect(survivor.acquired).toEqual(['a'])
  })

  test('keeps what it has while its event loop stands still', async () => {
    const { place, healthy, survivor, worker } = pairs.still
    worker.signal('SIGSTOP')
    // A process that is gone would have been ended by then.
    await judgement(place)
    worker.signal('SIGCONT')
    worker.signal('SIGUSR2')
    expect(await worker.exit).toBe(0)
    expect(worker.lines).toContain('result 3')
    expect([healthy.runs, survivor.acquired]).toEqual([[], []])
  })

  test('is one that nobody watches where the store is made so', async () => {
    const place = await newPlace(kind)
    const { relay: graph } = relay()
    await using docket = createDocket({
      graphs: [graph],
      store: openStore(place.address, undefined, { watchSessions: false }),
    })
    await docket.execute(graph, Second, { Seed: 1 }, { id: 'a' })
    expect(await sessionsOf(place)).toEqual([])
  })
})

/** Waits for the lock by which others see an owner, on a connection of its own, and has it until it is released. */
async function lockOf({
  kind,
  address,
  sql,
}: Place): Promise<{ readonly got: Promise<unknown>; release(): Promise<void> }> {
  if (kind === 'postgres') {
    const [row] = await sql('select session_key from docket_owners where session_key is not null')
    const client = new pg.Client({ connectionString: address.url })
    await client.connect()
    return { got: client.query(`select pg_advisory_lock(${row!['session_key']})`), release: () => client.end() }
  }
  const [row] = await sql(
    "select substring_index(session_lock, '/', -1) as name from docket_owners where session_lock is not null",
  )
  const client = await createConnection(address.url)
  return { got: client.query('select get_lock(?, 60)', [row!['name']]), release: () => client.end() }
}

test.each(['postgres', 'mysql'] as const)(
  'a process on %s whose connection is cut is seen again once its lock is free, though it was not at first',
  async (kind) => {
    const place = await newPlace(kind)
    await using docket = createDocket({ graphs: [relay().relay], store: openStore(place.address), lease })
    await docket.resume()
    const [before] = await sessionsOf(place)
    const lock = await lockOf(place)
    await cut(place, before!)
    await lock.got
    // It asks for the lock meanwhile, and is told that another connection has it.
    await vi.waitFor(async () => expect(await sessionsOf(place)).toEqual([]), patience)
    await lock.release()
    await vi.waitFor(async () => {
      expect(await sessionsOf(place)).toMatchObject([{ owner: before!.owner }])
    }, patience)
  },
)
