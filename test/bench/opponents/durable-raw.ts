import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createDocket } from '../../../src/index.ts'
import { chainLength, freshName, groupSize } from '../durable/engine.ts'
import type { Places, RawWriter } from '../durable/engine.ts'
import { postgresFootprint, processFootprint, redisFootprint } from '../durable/footprints.ts'
import { durableChain, openStore } from './durable-docket.ts'
import type { StoreKind } from './durable-docket.ts'

/**
 * The same bytes as Docket's step records, written by hand as fast as one client can: the records are read from what Docket wrote, so
 * they have its columns, its values and its keys.
 */
export async function openRaw(
  kind: 'postgres' | 'redis' | 'sqlite' | 'sqlite-normal',
  places: Places,
): Promise<RawWriter> {
  const name = freshName('sample')
  const id = await runSample(kind, places, name)
  if (kind === 'redis') return rawRedis(places.redis, name, id)
  if (kind === 'postgres') return rawPostgres(places.postgres, name, id)
  return rawSqlite(join(places.folder, `${name}.db`), kind === 'sqlite' ? 'full' : 'normal', id)
}

async function runSample(kind: StoreKind, places: Places, name: string): Promise<string> {
  const { graph, target, inputs } = durableChain(chainLength)
  await using docket = createDocket({ graphs: [graph], store: openStore(kind, places, name) })
  const execution = await docket.start(graph, target, inputs)
  await execution.result()
  return execution.id
}

/** Pipelines of HSET. */
async function rawRedis(url: string, prefix: string, id: string): Promise<RawWriter> {
  const client = new Redis(url)
  const footprint = await redisFootprint(url)
  const [key = ''] = await client.keys(`${prefix}:*:x:${id}`)
  const record = await client.hgetallBuffer(key)
  const steps = Object.entries(record).filter(([field]) => field.startsWith(':'))
  if (steps.length !== chainLength) throw new Error(`found ${steps.length} step records under "${key}"`)
  let number = 0
  return {
    async write(rows) {
      for (let done = 0; done < rows; done += groupSize) {
        const pipeline = client.pipeline()
        for (let i = 0; i < groupSize; i++) {
          const [field, value] = steps[number % steps.length]!
          pipeline.hset(`${key}:${String(Math.floor(number++ / steps.length))}`, field, value)
        }
        await pipeline.exec()
      }
    },
    footprint: footprint.read,
    async close() {
      client.disconnect()
      await footprint.close()
    },
  }
}

/** Multi-row inserts of 50, prepared, into a table like Docket's own. */
async function rawPostgres(url: string, schema: string, id: string): Promise<RawWriter> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const footprint = await postgresFootprint(url)
  await client.query(`create table "${schema}".raw_steps (like "${schema}".docket_steps including all)`)
  const { rows, fields } = await client.query<Record<string, unknown>>({
    text: `select * from "${schema}".docket_steps where execution = $1`,
    values: [id],
    // As text, which goes back as it came.
    types: { getTypeParser: () => (value: string | Buffer) => value },
  })
  if (rows.length !== chainLength) throw new Error(`found ${rows.length} step records`)
  const tuples = Array.from(
    { length: groupSize },
    (_, row) => `(${fields.map((_, column) => `$${row * fields.length + column + 1}`).join(', ')})`,
  )
  const text = `insert into "${schema}".raw_steps values ${tuples.join(', ')}`
  let number = 0
  return {
    async write(count) {
      for (let done = 0; done < count; done += groupSize) {
        const values: unknown[] = []
        for (let i = 0; i < groupSize; i++) {
          const row = rows[number % rows.length]!
          const execution = `${id}${String(Math.floor(number++ / rows.length))}`
          for (const { name } of fields) values.push(name === 'execution' ? execution : row[name])
        }
        await client.query({ name: 'raw', text, values })
      }
    },
    footprint: footprint.read,
    async close() {
      await client.end()
      await footprint.close()
    },
  }
}

/** A prepared insert, in transactions of 50, into a table like Docket's own. */
async function rawSqlite(path: string, synchronous: 'full' | 'normal', id: string): Promise<RawWriter> {
  const database = new DatabaseSync(path)
  database.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}`)
  const { sql } = database.prepare(`select sql from sqlite_master where name = 'docket_steps'`).get() as { sql: string }
  database.exec(sql.replace(/docket_steps/, 'raw_steps'))
  const rows = database.prepare('select * from docket_steps where execution = ?').all(id)
  if (rows.length !== chainLength) throw new Error(`found ${rows.length} step records`)
  const columns = Object.keys(rows[0]!)
  const insert = database.prepare(`insert into raw_steps values (${columns.map(() => '?').join(', ')})`)
  let number = 0
  return {
    async write(count) {
      for (let done = 0; done < count; done += groupSize) {
        database.exec('begin immediate')
        for (let i = 0; i < groupSize; i++) {
          const row = rows[number % rows.length]!
          const execution = `${id}${String(Math.floor(number++ / rows.length))}`
          insert.run(...columns.map((column) => (column === 'execution' ? execution : row[column]!)))
        }
        database.exec('commit')
      }
    },
    footprint: processFootprint('self').read,
    close: async () => database.close(),
  }
}
