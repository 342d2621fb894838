import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, describe, test } from 'vitest'
import { postgresStore } from '../../stores/postgres/index.ts'
import { storeConformance } from '../../src/testing/conformance/index.ts'
import { startPostgres } from '../servers/postgres.ts'
import { serverUrl } from '../servers/server-url.ts'
import { EmptiedPlaces } from './emptied-places.ts'

const url = await serverUrl('postgres')
const pool = new pg.Pool({ connectionString: url, max: 5 })
pool.on('error', () => {})
// Hooks run backwards: the places are removed before.
afterAll(() => pool.end())
const places = new EmptiedPlaces({
  newName: () => `conformance_${randomUUID()}`,
  async empty(schema) {
    const { rows } = await pool.query<{ table: string }>(
      `select format('%I.%I', schemaname, tablename) as table from pg_tables where schemaname = $1 and tablename <> 'docket_migrations'`,
      [schema],
    )
    await pool.query(rows.map(({ table }) => `delete from ${table}`).join(';'))
  },
  remove: (schema) => pool.query(`drop schema if exists "${schema}" cascade`),
})

storeConformance(
  { describe, test },
  {
    name: 'postgres',
    capabilities: { transactions: true, isShared: true, isServer: true },
    sendsHints: true,
    saysMail: true,
    givesPosted: true,
    watchesSessions: true,
    createSpace() {
      const schema = places.take()
      return {
        createStore: () => postgresStore({ url, schema, max: 4 }),
        async beginTransaction() {
          const client = await pool.connect()
          await client.query('begin')
          const end = async (how: string): Promise<void> => {
            await client.query(how)
            client.release()
          }
          return { client, commit: () => end('commit'), rollback: () => end('rollback') }
        },
        dispose: () => places.giveBack(schema),
      }
    },
    async createInterruptibleSpace() {
      // It is killed, and what was committed must be there.
      const server = await startPostgres({ settings: { synchronous_commit: 'on' } })
      return {
        createStore: () => postgresStore({ url: server.url, max: 4 }),
        async goAway() {
          // The processes that serve connections live on until they notice; the last to come knows when.
          const last = new pg.Client(server.url)
          last.on('error', () => {})
          await last.connect()
          const gone = new Promise<void>((resolve) => last.on('end', () => resolve()))
          await server.kill()
          await gone
          await sleep(100)
        },
        comeBack: () => server.restart(),
        dispose: () => server.stop(),
      }
    },
  },
)
