import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll } from 'vitest'
import { postgresStore } from '../../stores/postgres/index.ts'
import type { PostgresStoreOptions } from '../../stores/postgres/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { serverUrl } from '../servers/server-url.ts'

/** A PostgreSQL for one test file: what it makes is removed at its end. */
export interface PostgresPlace {
  readonly url: string
  /** Connections of the test's own. */
  readonly pool: pg.Pool
  /** A new schema's name; nothing is in it yet. */
  newSchema(): string
  /** An open store in the schema. */
  openStore(schema: string, options?: Omit<PostgresStoreOptions, 'schema'>): Promise<Store>
}

/** Await it at the top of a test file. */
export async function postgresPlace(): Promise<PostgresPlace> {
  const url = await serverUrl('postgres')
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  pool.on('error', () => {})
  const schemas: string[] = []
  const stores: Store[] = []
  afterAll(async () => {
    for (const store of stores) await store.close()
    for (const schema of schemas) await pool.query(`drop schema if exists ${pg.escapeIdentifier(schema)} cascade`)
    await pool.end()
  })
  return {
    url,
    pool,
    newSchema() {
      const schema = `test ${randomUUID()}`
      schemas.push(schema)
      return schema
    },
    async openStore(schema, options = { url, max: 3 }) {
      const store = postgresStore({ ...options, schema })
      stores.push(store)
      await store.open()
      return store
    },
  }
}
