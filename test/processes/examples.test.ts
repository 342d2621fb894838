import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { expectedOutputs } from '../examples/expected-outputs.ts'
import { exampleMs, runTwice } from '../examples/run-example.ts'
import { serverUrl } from '../servers/server-url.ts'

const name = `examples_${randomUUID().replaceAll('-', '')}`

/** An empty database of one's own on a shared server. */
const makeDatabase = {
  async postgres(url: string): Promise<string> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(`create database ${name}`)
    afterAll(async () => {
      await client.query(`drop database ${name} with (force)`)
      await client.end()
    })
    return withPath(url, name)
  },
  async mysql(url: string): Promise<string> {
    const connection = await createConnection(url)
    await connection.query(`create database ${name}`)
    afterAll(async () => {
      await connection.query(`drop database ${name}`)
      await connection.end()
    })
    return withPath(url, name)
  },
  async redis(url: string): Promise<string> {
    const own = withPath(url, '9')
    const client = new Redis(own)
    await client.flushdb()
    afterAll(async () => {
      await client.flushdb()
      client.disconnect()
    })
    return own
  },
}

const withServer = Object.entries(expectedOutputs).flatMap(([example, { text, server }]) =>
  server === undefined ? [] : [{ example, text, server }],
)
const urls = new Map<string, string>()
for (const server of new Set(withServer.map((one) => one.server)))
  urls.set(server, await makeDatabase[server](await serverUrl(server)))

test.each(withServer)(
  '$example is killed in the middle, and the next process goes on',
  { timeout: 2 * exampleMs + 10_000 },
  async (one) => {
    const { example, text, server } = one
    const outcome = await runTwice(example, { [`${server.toUpperCase()}_URL`]: urls.get(server)! })
    expect(outcome).toEqual({ stdout: `${text}\n`, stderr: '', exitCode: 0 })
  },
)

function withPath(url: string, path: string): string {
  const changed = new URL(url)
  changed.pathname = `/${path}`
  return changed.href
}
