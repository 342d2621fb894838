import pg from 'pg'
import { chainLength } from '../durable/engine.ts'
import { postgresFootprint } from '../durable/footprints.ts'
import type { RawGroups } from './durable-raw.ts'

type Row = Readonly<Record<string, unknown>>

/** Statements of a group each, prepared, on tables and indexes like Docket's own. */
export async function openRawPostgres(url: string, schema: string, id: string): Promise<RawGroups> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const footprint = await postgresFootprint(url)
  const name = (table: string): string => `"${schema}".${table}`
  const read = async (table: string, where: string): Promise<Row[]> => {
    // As text, which goes back as it came.
    const types = { getTypeParser: () => (value: string | Buffer) => value }
    return (await client.query<Row>({ text: `select * from ${name(table)} where ${where} = $1`, values: [id], types }))
      .rows
  }
  for (const table of ['executions', 'steps'])
    await client.query(`create table ${name(`raw_${table}`)} (like ${name(`docket_${table}`)} including all)`)
  const [head] = await read('docket_executions', 'id')
  const steps = await read('docket_steps', 'execution')
  if (head === undefined || steps.length !== chainLength) throw new Error(`found ${steps.length} step records`)
  const insertHeads = await insertInto(client, schema, 'raw_executions')
  const insertSteps = await insertInto(client, schema, 'raw_steps')
  const beginning = { ...head, status: 'running', output: null, ended_at: null, owner: id }
  const endHeads = `update ${name('raw_executions')} set status = $2, output = $3, owned_ms = $4, updated_at = $5,
    ended_at = $6, owner = null where id = any($1)`
  const ending = ['status', 'output', 'owned_ms', 'updated_at', 'ended_at'].map((column) => head[column])
  const putSteps = (ids: readonly string[], step: number): Promise<unknown> => {
    const rows = ids.map((execution) => ({ ...steps[step]!, execution }))
    return client.query({ name: 'steps', text: insertSteps, values: columnsOf(rows) })
  }
  return {
    begin: (ids) =>
      client.query({
        name: 'begin',
        text: insertHeads,
        values: columnsOf(ids.map((execution) => ({ ...beginning, id: execution }))),
      }),
    step: putSteps,
    async end(ids, step) {
      // Sent together: the second does not wait for the answer to the first.
      const both = [client.query('begin'), putSteps(ids, step)]
      both.push(client.query({ name: 'end', text: endHeads, values: [ids, ...ending] }), client.query('commit'))
      await Promise.all(both)
    },
    footprint: footprint.read,
    async close() {
      await client.end()
      await footprint.close()
    },
  }
}

function columnsOf(rows: readonly Row[]): unknown[][] {
  return Object.keys(rows[0]!).map((column) => rows.map((row) => row[column]))
}

/** One parameter a column: fifty rows of twenty would be a thousand. */
async function insertInto(client: pg.Client, schema: string, table: string): Promise<string> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [`"${schema}".${table}`],
  )
  const values = rows.map(({ name, type }) => `given.${name}::${type}`).join(', ')
  const given = rows.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const names = rows.map(({ name }) => name).join(', ')
  return `insert into "${schema}".${table} (${names}) select ${values} from unnest(${given}) as given(${names})`
}
