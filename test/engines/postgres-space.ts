import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { bullmqEngine, migrate } from '../../src/engines/bullmq/index.ts'
import type { EngineSpace, InterruptibleEngineSpace } from '../../src/testing/index.ts'
import { startPostgres } from '../servers/postgres.ts'
import { brief, mortalEngines } from './mortal-engines.ts'

/** A database of its own for one test file, with BullMQ's tables or without. */
export async function engineDatabase(
  server: string,
  hasTables = true,
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `engine_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  await ask(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  if (hasTables) await migrate(url.href)
  return { url: url.href, drop: () => ask(server, `drop database ${name} with (force)`) }
}

async function ask(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server)
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** A prefix of its own in a database, where each process can be cut off from the server as if it was dead. */
export function postgresEngineSpace(url: string): EngineSpace {
  return mortalEngines(url, `t-${randomUUID().slice(0, 8)}`)
}

/** A PostgreSQL of its own that can be away. */
export async function interruptiblePostgresEngineSpace(): Promise<InterruptibleEngineSpace> {
  const server = await startPostgres()
  await migrate(server.url)
  return {
    createEngine: () => bullmqEngine({ connection: server.url, timeout: '1s', ...brief }),
    goAway: () => server.kill(),
    comeBack: () => server.restart(),
    dispose: () => server.stop(),
  }
}
