import { randomBytes } from 'node:crypto'
import { createPool } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { afterAll, describe, test } from 'vitest'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { storeConformance } from '../../src/testing/conformance/index.ts'
import { startMysql } from '../servers/mysql.ts'
import { serverUrl } from '../servers/server-url.ts'
import { EmptiedPlaces } from './emptied-places.ts'
import { dropPrefix, tablesOfPrefix } from './tables-of-prefix.ts'

const url = await serverUrl('mysql')
const pool = createPool({ uri: url, connectionLimit: 5, charset: 'utf8mb4' })
// Hooks run backwards: the places are removed before.
afterAll(() => pool.end())
const places = new EmptiedPlaces({
  newName: () => `c${randomBytes(12).toString('hex')}_`,
  async empty(prefix) {
    const tables = (await tablesOfPrefix(pool, prefix)).filter((table) => table !== `${prefix}migrations`)
    if (tables.length === 0) return
    const looks = tables.map((table) => `select '${table}' as name from dual where exists (select 1 from ${table})`)
    const [used] = await pool.query<RowDataPacket[]>(looks.join(' union all '))
    // Not deleted: what is left of deleted rows, until the server removes it, is locked like rows.
    for (const { name } of used) await pool.query(`truncate table ${name}`)
  },
  remove: (prefix) => dropPrefix(pool, prefix),
})

storeConformance(
  { describe, test },
  {
    name: 'mysql',
    capabilities: { transactions: true, isShared: true, isServer: true },
    sendsHints: false,
    watchesSessions: true,
    createSpace() {
      const prefix = places.take()
      return {
        createStore: () => mysqlStore({ url, prefix, max: 4 }),
        async beginTransaction() {
          const client = await pool.getConnection()
          await client.beginTransaction()
          const end = async (how: 'commit' | 'rollback'): Promise<void> => {
            await client[how]()
            client.release()
          }
          return { client, commit: () => end('commit'), rollback: () => end('rollback') }
        },
        dispose: () => places.giveBack(prefix),
      }
    },
    async createInterruptibleSpace() {
      // It is killed, and what was committed must be there.
      const server = await startMysql({ fsync: true })
      return {
        createStore: () => mysqlStore({ url: server.url, max: 4 }),
        goAway: () => server.kill(),
        comeBack: () => server.restart(),
        dispose: () => server.stop(),
      }
    },
  },
)
