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
const putColumns: readonly CellColumn[] = [place, ...checkpointRowColumns]
const scopeColumns: readonly CellColumn[] = [place, { name: 'scope', kind: 'word' }]
const dropColumns: readonly CellColumn[] = [
  ...scopeColumns,
  { name: 'generation', kind: 'integer' },
  { name: 'checkpoint', kind: 'name' },
]
const written = checkpointRowColumns.map(({ name }) => name)
const replaced = written.filter((name) => !(checkpointKey as readonly string[]).includes(name))

/** Whether a commit has anything for these parts of a statement. */
export function hasCheckpoints({ checkpoints, droppedCheckpoints }: ExecutionCommit): boolean {
  return checkpoints !== undefined || droppedCheckpoints !== undefined
}

/**
 * Parts of a statement, which write the checkpoints of what it holds. All of them see the rows as they were before, so those that are written again
 * are not deleted.
 */
export function checkpointParts(dialect: Dialect, first: number): string {
  const table = dialect.table('checkpoints')
  const scopesFrom = first + putColumns.length
  const dropsFrom = scopesFrom + scopeColumns.length
  const puts = unnest(putColumns, 'p', first)
  const isWritten = `exists (select 1 from ${puts} where p.n = h.n and p.scope = k.scope and p.generation = k.generation
          and p.checkpoint = k.checkpoint)`
  return `, emptied as (
      delete from ${table} k using held h join ${unnest(scopeColumns, 's', scopesFrom)} on s.n = h.n
      where k.execution = h.id and k.scope = s.scope and not ${isWritten}
    ), dropped as (
      delete from ${table} k using held h join ${unnest(dropColumns, 'd', dropsFrom)} on d.n = h.n
      where k.execution = h.id and k.scope = d.scope and k.generation = d.generation and k.checkpoint = d.checkpoint
        and not ${isWritten}
    ), noted as (
      insert into ${table} (${written.join(', ')})
      select ${written.map((name) => `p.${name}`).join(', ')} from ${puts} join held h on h.n = p.n
      on conflict (${checkpointKey.join(', ')}) do update
      set ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}
    )`
}

/** The parameters of these parts. */
export function checkpointParameters(commits: readonly ExecutionCommit[], { timeText }: Dialect): Cell[][] {
  const puts = commits.flatMap(({ id, checkpoints }, index) =>
    lastCheckpoints(checkpoints).map((checkpoint): Cell[] => [
      index + 1,
      ...cellsOf(checkpointRowFields, checkpointRow(id, checkpoint), timeText),
    ]),
  )
  const [scopes, drops]: [Cell[][], Cell[][]] = [[], []]
  for (const [index, { droppedCheckpoints }] of commits.entries())
    for (const { scope, generation, name } of dropsOf(droppedCheckpoints)) {
      if (generation === undefined || name === undefined) scopes.push([index + 1, scope])
      else drops.push([index + 1, scope, generation, toName(name)])
    }
  return [...columnar(putColumns, puts), ...columnar(scopeColumns, scopes), ...columnar(dropColumns, drops)]
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
