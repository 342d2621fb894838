import { lastCheckpoints } from '../../src/core/contracts/checkpoint-record.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { checkpointRow, dropsOf } from '../sql/checkpoints.ts'
import { checkpointShape, toKey } from './keys.ts'
import { literal, literals } from './literals.ts'
import type { MysqlSession } from './session.ts'

type Written = Pick<ExecutionCommit, 'id' | 'checkpoints' | 'droppedCheckpoints'>

const replace = `on duplicate key update ${checkpointShape.columns.map((name) => `${name} = values(${name})`).join(', ')}`

/** Takes checkpoints of executions away, which are locked, and writes others. */
export async function writeCheckpoints(
  session: MysqlSession,
  table: string,
  commits: readonly Written[],
  ifThere = replace,
): Promise<void> {
  for (const { id, droppedCheckpoints } of commits) {
    if (droppedCheckpoints === undefined) continue
    const named: string[] = []
    for (const { scope, generation, name } of dropsOf(droppedCheckpoints)) {
      const isOfScope = `execution = ${literal(toKey(id))} and scope = ${literal(scope)}`
      if (generation === undefined || name === undefined) await session.run(`delete from ${table} where ${isOfScope}`)
      else named.push(literals([scope, generation, toKey(name)]))
    }
    if (named.length > 0)
      await session.run(
        `delete from ${table} where execution = ${literal(toKey(id))} and (scope, generation, checkpoint) in (${named.join(', ')})`,
      )
  }
  const rows = commits.flatMap(({ id, checkpoints }) =>
    lastCheckpoints(checkpoints).map((checkpoint) => checkpointShape.cells(checkpointRow(id, checkpoint))),
  )
  await session.insert(`insert into ${table} (${checkpointShape.columns.join(', ')})`, rows, ifThere)
}
