import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { fromSqlTime } from '../../../stores/sql/times.ts'
import { openStore } from '../../processes/store-address.ts'
import type { SqlKind, StoreAddress } from '../../processes/store-address.ts'
import type { Change, Subject, Witness } from './change.ts'

type Row = Readonly<Record<string, unknown>>

/** How a database is spoken to. */
interface Tongue {
  run(text: string): Promise<readonly Row[]>
  close(): Promise<void>
  readonly journal: string
  /** The columns of the journal. */
  readonly journalColumns: string
  table(name: string): string
  /** The statements of a trigger that calls `record` after each such event. */
  trigger(name: string, table: string, event: Event, columns: readonly string[], record: string): readonly string[]
  readonly object: string
  readonly now: string
  time(column: string): string
  text(column: string): string
}

type Event = 'insert' | 'update' | 'delete'

interface Watched {
  readonly subject: Subject
  readonly table: string
  readonly id: string
  readonly part: string
  /** Columns by the field of the row. */
  readonly columns: Readonly<Record<string, string>>
}

const watched: readonly Watched[] = [
  {
    subject: 'execution',
    table: 'executions',
    id: 'id',
    part: `''`,
    columns: {
      status: 'status',
      owner: 'owner',
      epoch: 'epoch',
      output: 'output',
      endedAt: 'ended_at',
      forkedFrom: 'forked_from',
    },
  },
  {
    subject: 'step',
    table: 'steps',
    id: 'execution',
    part: 'step',
    columns: { status: 'status', attempt: 'attempt', type: 'type', output: 'output' },
  },
  { subject: 'message', table: 'mailbox', id: 'execution', part: 'seq', columns: { kind: 'kind' } },
  {
    subject: 'result',
    table: 'results',
    id: 'id',
    part: `''`,
    columns: { status: 'status', owner: 'owner', epoch: 'epoch', output: 'output' },
  },
]

const events: readonly Event[] = ['insert', 'update', 'delete']
const page = 20_000

/** Puts triggers on the tables of a store, which write each change into a table of the witness's own, within the same transaction. */
export async function sqlWitness(address: StoreAddress & { readonly kind: SqlKind }): Promise<Witness> {
  // The tables are there before their triggers.
  const store = openStore(address)
  await store.open()
  await store.close()
  const tongue = await tongues[address.kind](address)
  await tongue.run(`create table ${tongue.journal} (${tongue.journalColumns})`)
  for (const { subject, table, id, part, columns } of watched)
    for (const event of events) {
      const side = event === 'delete' ? 'old' : 'new'
      const value = (name: string): string => (name === `''` ? name : tongue.text(`${side}.${name}`))
      const fields = Object.entries(columns).map(([field, column]) => {
        const source = `new.${column}`
        return `'${field}', ${column === 'ended_at' ? tongue.time(source) : column === 'output' ? tongue.text(source) : source}`
      })
      const row = event === 'delete' ? 'null' : `${tongue.object}(${fields.join(', ')})`
      const record = `insert into ${tongue.journal} (at, subject, id, part, standing) values (${tongue.now}, '${subject}', ${value(id)}, ${value(part)}, ${row})`
      const statements = tongue.trigger(
        `judge_${table}_${event}`,
        tongue.table(table),
        event,
        Object.values(columns),
        record,
      )
      for (const statement of statements) await tongue.run(statement)
    }
  return {
    lateMs: 5,
    async *changes() {
      for (let last = 0; ;) {
        const rows = await tongue.run(
          `select seq, at, subject, id, part, standing from ${tongue.journal} where seq > ${last} order by seq limit ${page}`,
        )
        if (rows.length === 0) return
        for (const row of rows) yield changeOf(row)
        last = Number(rows.at(-1)!['seq'])
      }
    },
    async leftovers() {
      const found: string[] = []
      // What was made stays; what nobody makes any more does not.
      const conditions: Readonly<Record<string, string>> = { results: ` where status <> 'completed'` }
      for (const table of ['executions', 'steps', 'mailbox', 'results']) {
        const [row] = await tongue.run(`select count(*) as n from ${tongue.table(table)}${conditions[table] ?? ''}`)
        if (Number(row!['n']) > 0) found.push(`${String(row!['n'])} rows of ${table}${conditions[table] ?? ''}`)
      }
      return found
    },
    [Symbol.asyncDispose]: () => tongue.close(),
  }
}

function changeOf({ at, subject, id, part, standing }: Row): Change {
  const parsed = standing === null ? undefined : (JSON.parse(String(standing)) as Record<string, unknown>)
  const row = parsed && Object.fromEntries(Object.entries(parsed).map(([field, value]) => [field, plain(field, value)]))
  return { subject, id, part, at: Number(at), row } as Change
}

function plain(field: string, value: unknown): unknown {
  if (value === null) return undefined
  if (field === 'endedAt') return fromSqlTime(value)
  return field === 'output' && typeof value !== 'string' ? JSON.stringify(value) : value
}

const tongues: Readonly<Record<SqlKind, (address: StoreAddress) => Promise<Tongue>>> = {
  async sqlite({ url }) {
    const database = new DatabaseSync(url, { timeout: 20_000 })
    return {
      async run(text) {
        if (text.startsWith('select')) return database.prepare(text).all() as readonly Row[]
        database.exec(text)
        return []
      },
      async close() {
        database.close()
      },
      journal: 'judge_changes',
      journalColumns: 'seq integer primary key autoincrement, at real, subject text, id text, part text, standing text',
      table: (name) => `docket_${name}`,
      trigger: (name, table, event, columns, record) => [
        `create trigger ${name} after ${event} on ${table} ${
          event === 'update' ? `when ${columns.map((column) => `old.${column} is not new.${column}`).join(' or ')}` : ''
        } begin ${record}; end`,
      ],
      object: 'json_object',
      now: `unixepoch('subsec') * 1000`,
      time: (column) => column,
      text: (column) => `cast(${column} as text)`,
    }
  },
  async postgres({ url, space }) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return {
      run: async (text) => (await client.query(text)).rows as readonly Row[],
      close: () => client.end(),
      journal: `${space}.judge_changes`,
      journalColumns: 'seq bigserial primary key, at float8, subject text, id text, part text, standing text',
      table: (name) => `${space}.docket_${name}`,
      trigger: (name, table, event, columns, record) => [
        `create function ${space}.${name}() returns trigger language plpgsql as $$ begin ${record}; return null; end $$`,
        `create trigger ${name} after ${event} on ${table} for each row ${
          event === 'update'
            ? `when (${columns.map((column) => `old.${column}::text is distinct from new.${column}::text`).join(' or ')})`
            : ''
        } execute function ${space}.${name}()`,
      ],
      object: 'json_build_object',
      now: 'extract(epoch from clock_timestamp()) * 1000',
      time: (column) => `extract(epoch from ${column}) * 1000`,
      text: (column) => `${column}::text`,
    }
  },
  async mysql({ url, space }) {
    const connection = await createConnection({ uri: url, charset: 'utf8mb4' })
    return {
      run: async (text) => (await connection.query(text))[0] as readonly Row[],
      close: () => connection.end(),
      journal: `${space}judge_changes`,
      journalColumns:
        'seq bigint auto_increment primary key, at double, subject varchar(20), id longtext, part longtext, standing longtext',
      table: (name) => `${space}${name}`,
      trigger: (name, table, event, columns, record) => [
        `create trigger ${name} after ${event} on ${table} for each row ${
          event === 'update'
            ? `begin if not (${columns.map((column) => `old.${column} <=> new.${column}`).join(' and ')}) then ${record}; end if; end`
            : record
        }`,
      ],
      object: 'json_object',
      now: 'unix_timestamp(sysdate(3)) * 1000',
      time: (column) => `cast(${column} as char)`,
      text: (column) => `cast(${column} as char)`,
    }
  },
}
