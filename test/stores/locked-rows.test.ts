import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, signal, step, type } from '../../src/index.ts'
import type { Docket, Store } from '../../src/index.ts'
import { live, newExecution } from '../../src/testing/conformance/records.ts'
import { serverUrl } from '../servers/server-url.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { postgresPlace } from './postgres-place.ts'

const place = await postgresPlace()
const mysqlUrl = await serverUrl('mysql')

/** A connection of somebody else's, on which a transaction has been begun. */
interface Other {
  run(sql: string): Promise<unknown>
  readonly client: unknown
}

interface Server {
  /** A new, empty space: its store, with so many connections, and how its tables are called. */
  newSpace(
    connections?: number,
  ): Promise<{ readonly store: Store; readonly database: string; table(name: string): string }>
  begin(database: string): Promise<Other>
}

const servers: readonly (readonly [string, Server])[] = [
  [
    'postgres',
    {
      newSpace: async (max = 10) => {
        const schema = place.newSchema()
        return {
          store: postgresStore({ url: place.url, schema, max }),
          database: '',
          table: (name) => `"${schema}".docket_${name}`,
        }
      },
      begin: async () => {
        const client = new pg.Client(place.url)
        await client.connect()
        onTestFinished(() => client.end())
        await client.query('begin')
        return { client, run: (sql) => client.query(sql) }
      },
    },
  ],
  [
    'mysql',
    {
      newSpace: async (max = 10) => {
        const name = `locked_${Math.random().toString(36).slice(2)}`
        const admin = await createConnection({ uri: mysqlUrl, charset: 'utf8mb4' })
        await admin.query(`create database ${name}`)
        onTestFinished(async () => {
          await admin.query(`drop database ${name}`)
          await admin.end()
        })
        const url = new URL(mysqlUrl)
        url.pathname = `/${name}`
        return {
          store: mysqlStore({ url: url.href, max }),
          database: name,
          table: (table) => `${name}.docket_${table}`,
        }
      },
      begin: async (database) => {
        const client = await createConnection({ uri: mysqlUrl, charset: 'utf8mb4', database })
        onTestFinished(() => client.end())
        await client.query('begin')
        return { client, run: (sql) => client.query(sql) }
      },
    },
  ],
]

const Seed = dataType('Seed', type<number>())
const First = dataType('First', type<number>())
const Second = dataType('Second', type<number>())
const Shared = dataType('Shared', type<number>())
const Approval = dataType('Approval', type<string>())
const Shipped = dataType('Shipped', type<string>())

function chain(hold: Promise<void>) {
  return graph({
    name: 'chain',
    steps: [
      step({
        name: 'First',
        inputs: { seed: Seed },
        output: First,
        persist: 'execution',
        run: async ({ seed }) => {
          if (seed < 0) await hold
          return seed + 1
        },
      }),
      step({
        name: 'Second',
        inputs: { first: First },
        output: Second,
        persist: 'execution',
        run: ({ first }) => first + 1,
      }),
      step({
        name: 'Shared',
        inputs: { seed: Seed },
        output: Shared,
        persist: 'global',
        run: async ({ seed }) => {
          if (seed < 0) await hold
          return seed
        },
      }),
    ],
  })
}

describe.each(servers)('on %s, while somebody else', (_, server) => {
  async function begun(connections?: number) {
    const { store, database, table } = await server.newSpace(connections)
    const hold = Promise.withResolvers<void>()
    const lines = chain(hold.promise)
    const docket: Docket = createDocket({ graphs: [lines], store })
    onTestFinished(() => docket.close({ deadline: 0 }))
    await docket.execute(lines, Second, { Seed: 0 }, { id: 'first' })
    let round = 0
    const others = async (): Promise<number> => {
      round++
      const all = Array.from({ length: 20 }, (__, n) =>
        docket.execute(lines, Second, { Seed: n }, { id: `other ${round} ${n}` }),
      )
      return (await Promise.all(all)).length
    }
    const running = await docket.start(lines, Second, { Seed: -5 }, { id: 'locked' })
    return { docket, lines, table, hold, others, running, begin: () => server.begin(database) }
  }

  test('holds the row of an execution, that one waits and the others go on', async () => {
    const { table, hold, others, running, begin } = await begun()
    const other = await begin()
    await other.run(`select * from ${table('executions')} where id = 'locked' for update`)
    hold.resolve()
    expect(await others()).toBe(20)
    expect((await running.details()).status).toBe('running')
    await other.run('rollback')
    expect(await running.result()).toBe(-3)
  })

  test('holds the row of an execution, a message to it waits, and those that go out with it do not', async () => {
    const { store, database, table } = await server.newSpace()
    const approvals = graph({
      name: 'approvals',
      steps: [signal(Approval), step({ name: 'Ship', inputs: { by: Approval }, output: Shipped, run: ({ by }) => by })],
    })
    await using docket = createDocket({ graphs: [approvals], store })
    const start = (id: string) => docket.start(approvals, Shipped, {}, { id })
    const handles = await Promise.all(['a', 'locked', 'z'].map(start))
    const other = await server.begin(database)
    await other.run(`select * from ${table('executions')} where id = 'locked' for update`)
    const [first, locked, last] = handles.map((handle) => handle.signal(Approval, handle.id))
    expect(await Promise.all([first, last])).toEqual(['accepted', 'accepted'])
    expect(await Promise.all([handles[0]!.result(), handles[2]!.result()])).toEqual(['a', 'z'])
    await other.run('rollback')
    expect(await locked).toBe('accepted')
    expect(await handles[1]!.result()).toBe('locked')
  })

  test('holds the row of a step, or of a result, that one waits and the others go on', async () => {
    const { docket, lines, table, hold, others, running, begin } = await begun()
    const shared = docket.execute(lines, Shared, { Seed: -7 }, { id: 'shared' })
    await sleep(300)
    const other = await begin()
    await other.run(`select * from ${table('results')} for update`)
    await other.run(
      `insert into ${table('steps')} (execution, step, item, status, attempt, type) values ('locked', 'First', '', 'running', 1, 'First')`,
    )
    hold.resolve()
    expect(await others()).toBe(20)
    await other.run('rollback')
    expect(await running.result()).toBe(-3)
    expect(await shared).toBe(-7)
  })

  test('starts an execution that runs within a transaction, that one goes on too', async () => {
    const { docket, lines, hold, others, running, begin } = await begun()
    const other = await begin()
    await docket.start(lines, Second, { Seed: -5 }, { id: 'locked', transaction: other.client as never })
    hold.resolve()
    expect(await running.result()).toBe(-3)
    expect(await others()).toBe(20)
    await other.run('commit')
  })

  test('has started some in transactions that are open, the same starts wait and all others go on', async () => {
    const { docket, lines, others, begin } = await begun()
    const open = await Promise.all(Array.from({ length: 6 }, () => begin()))
    for (const [n, { client }] of open.entries())
      await docket.start(lines, Second, { Seed: n }, { id: `open ${n}`, transaction: client as never })
    const again = open.map((__, n) => docket.execute(lines, Second, { Seed: n }, { id: `open ${n}` }))
    expect(await others()).toBe(20)
    expect(await others()).toBe(20)
    for (const other of open) await other.run('commit')
    expect(await Promise.all(again)).toEqual([2, 3, 4, 5, 6, 7])
  })

  test.each([2, 10])(
    'has started a hundred in transactions that stay open, and all of them are started again, the others go on with %i connections',
    async (connections) => {
      const { docket, lines, others, begin } = await begun(connections)
      const open = await Promise.all(Array.from({ length: 5 }, () => begin()))
      const ids = Array.from({ length: 100 }, (__, n) => `open ${n}`)
      for (const [n, id] of ids.entries())
        await docket.start(lines, Second, { Seed: n }, { id, transaction: open[n % 5]!.client as never })
      const again = ids.map((id, n) => docket.execute(lines, Second, { Seed: n }, { id }))
      const same = Array.from({ length: 20 }, () => docket.execute(lines, Second, { Seed: 0 }, { id: 'open 0' }))
      for (let round = 0; round < 3; round++) expect(await others()).toBe(20)
      const ended = await docket.list({ limit: 1_000 })
      expect(ended.executions.filter(({ id }) => id.startsWith('open'))).toEqual([])
      for (const other of open) await other.run('commit')
      expect(await Promise.all(again)).toEqual(ids.map((__, n) => n + 2))
      expect(await Promise.all(same)).toEqual(same.map(() => 2))
    },
  )

  test('holds rows of one execution, a purge of others does not wait for them', async () => {
    const { docket, table, hold, others, running, begin } = await begun()
    await others()
    await others()
    const other = await begin()
    for (const [name, column] of [
      ['executions', 'id'],
      ['steps', 'execution'],
    ] as const)
      await other.run(`select * from ${table(name)} where ${column} = 'locked' for update`)
    expect(await docket.purge({ olderThan: 0 })).toBe(41)
    await other.run('rollback')
    hold.resolve()
    expect(await running.result()).toBe(-3)
  })

  test('holds the row of one execution, what acquires others does not wait for it', async () => {
    const { store, database, table } = await server.newSpace()
    await store.open()
    onTestFinished(() => store.close())
    await live(store, 'ada', 'bea')
    const ids = Array.from({ length: 40 }, (__, n) => `free ${n}`)
    await store.create([newExecution('locked', { owner: 'ada' }), ...ids.map((id) => newExecution(id))])
    const other = await server.begin(database)
    await other.run(`select * from ${table('executions')} where id = 'locked' for update`)
    expect(await store.acquire({ owner: 'bea', graphs: ['users'], limit: 100 })).toHaveLength(40)
    await other.run('rollback')
  })

  test('has created an execution and deleted it again in a transaction that is open, that one is locked and others are created', async () => {
    const { store, database, table } = await server.newSpace()
    await store.open()
    onTestFinished(() => store.close())
    const other = await server.begin(database)
    await store.create([newExecution('b')], other.client)
    await other.run(`delete from ${table('executions')} where id = 'b'`)
    const created = await store.create(['a', 'b', 'c'].map((id) => newExecution(id)))
    expect(created).toEqual([undefined, 'locked', undefined])
    await other.run('commit')
    expect(await store.create([newExecution('b')])).toEqual([undefined])
  })

  test('and two more hold the row of an execution in turn, so that it is never free, that one goes on', async () => {
    const { table, hold, running, begin } = await begun()
    const others = [await begin(), await begin(), await begin()]
    const over = new AbortController()
    const turns = others.map(async (other) => {
      for (let first = true; !over.signal.aborted; first = false) {
        if (!first) await other.run('begin')
        await other.run(`select * from ${table('executions')} where id = 'locked' for update`)
        await sleep(30)
        await other.run('commit')
      }
    })
    hold.resolve()
    const made = await running.result()
    over.abort()
    await Promise.all(turns)
    expect(made).toBe(-3)
  })
})
