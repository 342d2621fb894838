import { once } from 'node:events'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { isAnswer, postgresError } from '../../stores/postgres/errors.ts'
import { openingError } from '../../stores/sql/driver-error.ts'
import { postgresPlace } from './postgres-place.ts'

const { url, pool, newSchema, openStore } = await postgresPlace()
const { rows } = await pool.query<{ server_version_num: string }>('show server_version_num')
const version = Number(rows[0]!.server_version_num)

/** A session that the server ends by a limit, with what it says of that. */
async function ended(setting: string, act: (client: pg.Client) => Promise<unknown>): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, options: `-c ${setting}=50` })
  onTestFinished(() => client.end().catch(() => {}))
  await client.connect()
  const said = once(client, 'error')
  const failed = act(client).then(
    () => undefined,
    (error: unknown) => error,
  )
  return (await failed) ?? (await said)[0]
}

// PostgreSQL has had the second since 17.
const limits: readonly (readonly [setting: string, code: string, act: (client: pg.Client) => Promise<unknown>])[] = [
  ['idle_in_transaction_session_timeout', '25P03', (client) => client.query('begin')],
  ...(version < 170_000
    ? []
    : [['transaction_timeout', '25P04', (client: pg.Client) => client.query('select pg_sleep(10)')] as const]),
  ['idle_session_timeout', '57P05', (client) => client.query('select 1')],
]

test.each(limits)(
  'what the server says of a session that it ends by %s (%s) may pass, and the connection is gone',
  async (setting, code, act) => {
    const error = await ended(setting, act)
    expect(error).toMatchObject({ code, severity: 'FATAL' })
    expect(isAnswer(error)).toBe(false)
    const seen = openingError(postgresError(error))
    expect(seen).toBeInstanceOf(StoreError)
    expect(seen).toMatchObject({ isTransient: true })
  },
)

test('a store works on where the server has ended the session that it used', async () => {
  const limited = new pg.Pool({ connectionString: url, options: '-c idle_session_timeout=200', max: 1 })
  limited.on('error', () => {})
  onTestFinished(() => limited.end())
  const store = await openStore(newSchema(), { pool: limited })
  for (let ends = 0; ends < 2; ends++) {
    expect(await store.list({ limit: 1 })).toEqual([])
    await once(limited, 'error')
  }
  expect(await store.list({ limit: 1 })).toEqual([])
})
