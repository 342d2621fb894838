import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue } from 'node:sqlite'
import { chainLength } from '../durable/engine.ts'
import { processFootprint } from '../durable/footprints.ts'
import type { RawGroups } from './durable-raw.ts'

type Row = Readonly<Record<string, SQLInputValue>>

/** Prepared statements, in transactions of a group, on tables and indexes like Docket's own. */
export async function openRawSqlite(path: string, synchronous: 'full' | 'normal', id: string): Promise<RawGroups> {
  const database = new DatabaseSync(path)
  database.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}`)
  for (const table of ['executions', 'steps']) copyTable(database, `docket_${table}`, `raw_${table}`)
  const head = database.prepare('select * from docket_executions where id = ?').get(id) as Row
  const steps = database.prepare('select * from docket_steps where execution = ?').all(id) as Row[]
  if (steps.length !== chainLength) throw new Error(`found ${steps.length} step records`)
  const insertHead = insertInto(database, 'raw_executions', head)
  const insertStep = insertInto(database, 'raw_steps', steps[0]!)
  const endHead = database.prepare(
    `update raw_executions set status = ?, output = ?, owned_ms = ?, updated_at = ?, ended_at = ?, owner = null where id = ?`,
  )
  const transaction = (work: () => void): Promise<void> => {
    database.exec('begin immediate')
    work()
    database.exec('commit')
    return Promise.resolve()
  }
  const putStep = (execution: string, step: number): void =>
    void insertStep.run(...Object.values({ ...steps[step]!, execution }))
  const beginning = { ...head, status: 'running', output: null, ended_at: null, owner: id }
  const ending = ['status', 'output', 'owned_ms', 'updated_at', 'ended_at'].map((column) => head[column]!)
  return {
    begin: (ids) =>
      transaction(() => {
        for (const execution of ids) insertHead.run(...Object.values({ ...beginning, id: execution }))
      }),
    step: (ids, step) =>
      transaction(() => {
        for (const execution of ids) putStep(execution, step)
      }),
    end: (ids, step) =>
      transaction(() => {
        for (const execution of ids) {
          putStep(execution, step)
          endHead.run(...ending, execution)
        }
      }),
    footprint: processFootprint('self').read,
    close: async () => database.close(),
  }
}

function copyTable(database: DatabaseSync, from: string, to: string): void {
  const rows = database.prepare(
    'select sql from sqlite_master where tbl_name = ? and sql is not null order by type desc',
  )
  for (const { sql } of rows.all(from)) database.exec(String(sql).replaceAll(from, to))
}

function insertInto(database: DatabaseSync, table: string, row: Row) {
  const columns = Object.keys(row)
  return database.prepare(`insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`)
}
