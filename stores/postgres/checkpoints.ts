import type { ExecutionCommit, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { lastCheckpoints } from '../../src/core/contracts/checkpoint-record.ts'
import { cellsOf } from '../sql/cells.ts'
import type { Cell, CellColumn } from '../sql/cells.ts'
import { checkpointRow, dropsOf } from '../sql/checkpoints.ts'
import { namesOf } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { checkpointKey, checkpointRowColumns, checkpointRowFields } from '../sql/tables.ts'
import { columnar, unnest } from './dialect.ts'

const place: CellColumn = { name: 'n', kind: 'integer' }
const scopeColumns: readonly CellColumn[] = [place, { name: 'scope', kind: 'word' }]
const singleColumns: readonly CellColumn[] = [
  ...scopeColumns,
  { name: 'generation', kind: 'integer' },
  { name: 'checkpoint', kind: 'name' },
]
/** The parameters of checkpoints that are written. */
export const noteColumns: readonly CellColumn[] = [place, ...checkpointRowColumns]
/** The parameters of those that are taken away: all of a scope, and single ones. */
export const dropColumns: readonly CellColumn[] = [...scopeColumns, ...singleColumns]
const written = checkpointRowColumns.map(({ name }) => name)
const replaced = written.filter((name) => !(checkpointKey as readonly string[]).includes(name))

/** A part of a statement, which writes the checkpoints of what it holds. */
export function notesPart(dialect: Dialect, first: number): string {
  return `, noted as (
      insert into ${dialect.table('checkpoints')} (${written.join(', ')})
      select ${written.map((name) => `p.${name}`).join(', ')} from ${unnest(noteColumns, 'p', first)} join held h on h.n = p.n
      on conflict (${checkpointKey.join(', ')}) do update
      set ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}
    )`
}

/**
 * Parts of a statement, which take away checkpoints of what it holds. They see the rows as they were before, so those that are written again, whose parameters
 * begin at `notesFirst`, are not deleted.
 */
export function dropsPart(dialect: Dialect, notesFirst: number, first: number): string {
  const table = dialect.table('checkpoints')
  const isWritten = `exists (select 1 from ${unnest(noteColumns, 'p', notesFirst)} where p.n = h.n and p.scope = k.scope
          and p.generation = k.generation and p.checkpoint = k.checkpoint)`
  return `, emptied as (
      delete from ${table} k using held h join ${unnest(scopeColumns, 's', first)} on s.n = h.n
      where k.execution = h.id and k.scope = s.scope and not ${isWritten}
    ), dropped as (
      delete from ${table} k using held h join ${unnest(singleColumns, 'd', first + scopeColumns.length)} on d.n = h.n
      where k.execution = h.id and k.scope = d.scope and k.generation = d.generation and k.checkpoint = d.checkpoint
        and not ${isWritten}
    )`
}

/** The parameters of `notesPart`. */
export function noteParameters(commits: readonly ExecutionCommit[], { timeText }: Dialect): Cell[][] {
  const notes = commits.flatMap(({ id, checkpoints }, index) =>
    lastCheckpoints(checkpoints).map((checkpoint): Cell[] => [
      index + 1,
      ...cellsOf(checkpointRowFields, checkpointRow(id, checkpoint), timeText),
    ]),
  )
  return columnar(noteColumns, notes)
}

/** The parameters of `dropsPart`. */
export function dropParameters(commits: readonly ExecutionCommit[]): Cell[][] {
  const [scopes, singles]: [Cell[][], Cell[][]] = [[], []]
  for (const [index, { droppedCheckpoints }] of commits.entries())
    for (const { scope, generation, name } of dropsOf(droppedCheckpoints)) {
      if (generation === undefined || name === undefined) scopes.push([index + 1, scope])
      else singles.push([index + 1, scope, generation, toName(name)])
    }
  return [...columnar(scopeColumns, scopes), ...columnar(singleColumns, singles)]
}

/** A part of a statement that makes executions: what they begin with. */
export function newCheckpointsPart(dialect: Dialect, first: number): string {
  return `, noted as (
      insert into ${dialect.table('checkpoints')} (${namesOf(checkpointRowColumns)})
      select ${written.map((name) => `k.${name}`).join(', ')}
      from ${unnest(checkpointRowColumns, 'k', first)} join made on made.id = k.execution
      on conflict (${checkpointKey.join(', ')}) do nothing
    )`
}

/** The parameters of this part. */
export function newCheckpoints(executions: readonly NewExecution[], { timeText }: Dialect): Cell[][] {
  const rows = executions.flatMap(({ id, checkpoints }) =>
    lastCheckpoints(checkpoints).map((checkpoint) =>
      cellsOf(checkpointRowFields, checkpointRow(id, checkpoint), timeText),
    ),
  )
  return columnar(checkpointRowColumns, rows)
}
