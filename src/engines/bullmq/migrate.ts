import type { PostgresPool } from './bullmq-engine-options.ts'
import { engineError } from './errors.ts'
import { loadForPostgres } from './load-packages.ts'
import { checkMigrate } from './options.ts'
import { ownPool, schema } from './postgres-backend.ts'

const connectTimeoutMs = 10_000

/**
 * Makes BullMQ's tables in PostgreSQL (in the schema `bullmq`), or brings them up to date: once for each deployment, before processes with `bullmqEngine` start.
 * Several at the same time wait for each other. `connection` is a URL, or a pool of `pg`, which is not ended.
 * @throws (as rejection) OptionError, EngineError
 */
export async function migrate(connection: string | PostgresPool): Promise<void> {
  checkMigrate(connection)
  const packages = await loadForPostgres()
  const own =
    typeof connection === 'string'
      ? ownPool(packages, { url: connection, max: 1 }, connectTimeoutMs)
      : { pool: connection, end: async () => {} }
  try {
    const client = await own.pool.connect()
    try {
      await packages.bullmq.runMigrations(client, schema)
    } finally {
      client.release()
    }
  } catch (error) {
    throw engineError(error, 'the tables of BullMQ can’t be made')
  } finally {
    await own.end()
  }
}
