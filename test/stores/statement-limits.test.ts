import { randomUUID } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { serverUrl } from '../servers/server-url.ts'

const urls = { postgres: await serverUrl('postgres'), mysql: await serverUrl('mysql') }
const name = `limited_${randomUUID().replaceAll('-', '').slice(0, 12)}`

/** A database user of whom no statement may take longer than 300 ms, and triggers that take longer for what is slow. */
interface LimitedServer {
  readonly store: Store
  run(sql: string): Promise<unknown>
  /** SQL that makes writes of rows slow that hold a condition. */
  slowDown(table: string, condition: string): readonly string[]
  speedUp(table: string): readonly string[]
}

const ends: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
})

async function postgres(): Promise<LimitedServer> {
  const admin = new pg.Client(urls.postgres)
  await admin.connect()
  ends.push(() => admin.end())
  await admin.query(`create role ${name} superuser login password 'limited'`)
  await admin.query(`alter role ${name} set statement_timeout = '300ms'`)
  await admin.query(`create schema ${name} authorization ${name}`)
  ends.push(() => admin.query(`drop schema ${name} cascade; drop role ${name}`))
  const url = new URL(urls.postgres)
  url.username = name
  url.password = 'limited'
  return {
    store: postgresStore({ url: url.href, schema: name }),
    run: (sql) => admin.query(sql),
    slowDown: (table, condition) => [
      `create function ${name}.slow_${table}() returns trigger language plpgsql as
        $$ begin if ${condition} then perform pg_sleep(5); end if; return new; end $$`,
      `create trigger slow before insert or update on ${name}.docket_${table} for each row execute function ${name}.slow_${table}()`,
    ],
    speedUp: (table) => [`drop trigger slow on ${name}.docket_${table}`],
  }
}

async function stopsWrites(): Promise<boolean> {
  const client = await createConnection({ uri: urls.mysql })
  const [rows] = await client.query<RowDataPacket[]>('select version() as version')
  await client.end()
  return String(rows[0]?.['version']).includes('MariaDB')
}

async function mysql(): Promise<LimitedServer> {
  const admin = await createConnection({ uri: urls.mysql, charset: 'utf8mb4' })
  ends.push(() => admin.end())
  await admin.query(`create database ${name}`)
  await admin.query(`create user ${name} identified by 'limited'`)
  await admin.query(`grant all on ${name}.* to ${name} with max_statement_time 0.3`)
  ends.push(() => admin.query(`drop database ${name}`).then(() => admin.query(`drop user ${name}`)))
  const url = new URL(urls.mysql)
  url.username = name
  url.password = 'limited'
  url.pathname = `/${name}`
  return {
    store: mysqlStore({ url: url.href }),
    run: (sql) => admin.query(sql),
    slowDown: (table, condition) =>
      ['insert', 'update'].map(
        (
          change,
        ) => `create trigger ${name}.slow_${table}_${change} before ${change} on ${name}.docket_${table} for each row
          set @slow = if(${condition}, sleep(5), 0)`,
      ),
    speedUp: (table) => ['insert', 'update'].map((change) => `drop trigger ${name}.slow_${table}_${change}`),
  }
}

const Seed = dataType('Seed', type<string>())
const First = dataType('First', type<string>())
const Second = dataType('Second', type<string>())
const Shared = dataType('Shared', type<string>())

const lines = graph({
  name: 'lines',
  steps: [
    step({ name: 'First', inputs: { seed: Seed }, output: First, persist: 'execution', run: ({ seed }) => seed }),
    step({
      name: 'Second',
      inputs: { first: First },
      output: Second,
      persist: 'execution',
      timeout: '4s',
      run: ({ first }) => `${first}!`,
    }),
    step({ name: 'Shared', inputs: { seed: Seed }, output: Shared, persist: 'global', run: ({ seed }) => seed }),
  ],
})

test.each([
  ['postgres', postgres],
  // MySQL itself stops nothing but reads.
  ...((await stopsWrites()) ? ([['mysql', mysql]] as const) : []),
] as const)(
  'on %s, statements that the server stops for taking too long delay or fail their own execution, and all others go on',
  async (_, makeServer) => {
    const { store, run, slowDown, speedUp } = await makeServer()
    const docket = createDocket({ graphs: [lines], store })
    onTestFinished(() => docket.close({ deadline: 0 }))
    let round = 0
    const others = (): Promise<unknown> => {
      round++
      const ids = Array.from({ length: 20 }, (__, n) => `other ${round} ${n}`)
      return Promise.all([
        ...ids.map((id) => docket.execute(lines, Second, { Seed: id }, { id })),
        ...ids.map((id) => docket.execute(lines, Shared, { Seed: id }, { id: `shared ${id}` })),
      ])
    }
    await others()
    for (const sql of [
      ...slowDown('steps', `new.execution like 'slow%' and new.status = 'completed'`),
      ...slowDown('results', `cast(new.output as char(100)) like '%slow%'`),
      ...slowDown('executions', `new.id = 'slow start'`),
    ])
      await run(sql)
    const slow = docket.execute(lines, First, { Seed: 'a' }, { id: 'slow step' })
    const shared = docket.execute(lines, Shared, { Seed: 'slow' }, { id: 'shared' })
    const started = docket.execute(lines, First, { Seed: 'b' }, { id: 'slow start' })
    const failing = docket.execute(lines, Second, { Seed: 'c' }, { id: 'slow end', overrides: { First: 'c' } })
    failing.catch(() => {})
    await others()
    await others()
    await others()
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^STEP|STORE/) })
    expect((await (await docket.get('slow end'))!.details()).status).toBe('failed')
    await others()
    for (const sql of ['steps', 'results', 'executions'].flatMap(speedUp)) await run(sql)
    expect(await Promise.all([slow, shared, started])).toEqual(['a', 'slow', 'b'])
    await others()
  },
)
