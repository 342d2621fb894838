import type { ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import type { Cell } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, fenceColumns, isOwned, unnest } from './dialect.ts'

/** Fences as parameters of a statement. */
export function fenceParameters(fences: readonly ExecutionFence[]): Cell[][] {
  return columnar(
    fenceColumns,
    fences.map(({ id, owner, epoch, sequence = 0 }): Cell[] => [toName(id), toName(owner), epoch, sequence]),
  )
}

/** Which of some executions are still their owners'. */
export async function ownedAmong<T extends ExecutionFence>(
  connection: PostgresConnection,
  dialect: Dialect,
  fences: readonly T[],
): Promise<ReadonlySet<T>> {
  if (fences.length === 0) return new Set()
  const text = `select a.n from ${unnest(fenceColumns, 'a', 1, 'n')}
    join ${dialect.table('executions')} e on ${isOwned}`
  const found = await connection.query({ text, parameters: fenceParameters(fences) })
  return new Set(found.map((row) => fences[(row['n'] as number) - 1]!))
}
