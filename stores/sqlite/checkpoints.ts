import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { cellsOf } from '../sql/cells.ts'
import { checkpointRow, dropsOf } from '../sql/checkpoints.ts'
import { namesOf } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { checkpointRowColumns, checkpointRowFields } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import { placesOf } from './dialect.ts'

const put = `insert or replace into docket_checkpoints (${namesOf(checkpointRowColumns)})
  values (${placesOf(checkpointRowColumns)})`
const dropAll = 'delete from docket_checkpoints where execution = ? and scope = ?'
const dropOne = `${dropAll} and generation = ? and checkpoint = ?`

/** Takes checkpoints away and writes others, within a transaction. */
export function writeCheckpoints(
  connection: SqliteConnection,
  { id, checkpoints = [], droppedCheckpoints }: Pick<ExecutionCommit, 'id' | 'checkpoints' | 'droppedCheckpoints'>,
): void {
  for (const { scope, generation, name } of dropsOf(droppedCheckpoints)) {
    if (generation === undefined || name === undefined) connection.run(dropAll, toName(id), scope)
    else connection.run(dropOne, toName(id), scope, generation, toName(name))
  }
  for (const checkpoint of checkpoints)
    connection.run(put, ...cellsOf(checkpointRowFields, checkpointRow(id, checkpoint), toSqlTime))
}
