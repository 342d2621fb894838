import { hash } from 'node:crypto'
import type {
  CheckpointRecord,
  CheckpointRequest,
  DroppedCheckpoints,
} from '../../src/core/contracts/checkpoint-record.ts'
import { recordOf } from './cells.ts'
import { isAfter, keyOf, Parameters, selectList } from './dialect.ts'
import type { Dialect, Query, RunQuery } from './dialect.ts'
import { checkpointColumns, checkpointFields } from './tables.ts'

/** What stands for a step and an item in keys, which have no room for both beside an execution and a checkpoint: 22 characters. */
export function scopeOf({ step, item }: Pick<CheckpointRecord, 'step' | 'item'>): string {
  return hash('sha256', JSON.stringify([step, item]), 'base64url').slice(0, 22)
}

/** A checkpoint as a row's record. */
export function checkpointRow(execution: string, checkpoint: CheckpointRecord): object {
  return { ...checkpoint, execution, scope: scopeOf(checkpoint) }
}

/** What commits take away: all of a scope, or by generation and name. */
export interface CheckpointDrop {
  readonly scope: string
  readonly generation?: number
  readonly name?: string
}

/** Each as one that a statement can look up. */
export function dropsOf(dropped: readonly DroppedCheckpoints[] = []): readonly CheckpointDrop[] {
  return dropped.flatMap((drop): readonly CheckpointDrop[] => {
    const scope = scopeOf(drop)
    if (drop.only === undefined) return [{ scope }]
    const { generation, names } = drop.only
    return names.map((name) => ({ scope, generation, name }))
  })
}

/** A portion of the checkpoints of an execution, in the order of their index. */
export async function readCheckpoints(
  dialect: Dialect,
  run: RunQuery,
  request: CheckpointRequest,
): Promise<readonly CheckpointRecord[]> {
  if (request.limit <= 0 || request.only?.names.length === 0) return []
  return (await run(checkpointsQuery(dialect, request))).map((row) => recordOf<CheckpointRecord>(checkpointFields, row))
}

export function checkpointsQuery(dialect: Dialect, { execution, of, only, after, limit }: CheckpointRequest): Query {
  const { list, add } = new Parameters(dialect)
  const key = keyOf(dialect)
  const conditions = [`c.execution = ${add(key(execution))}`]
  if (of !== undefined) conditions.push(`c.scope = ${add(scopeOf(of))}`)
  if (only !== undefined) {
    conditions.push(`c.generation = ${add(only.generation)}`)
    conditions.push(dialect.isIn('c.checkpoint', only.names.map(key), add))
  }
  // By what is the same in all rows MariaDB sorts them all the same.
  const order = [...(of === undefined ? ['c.scope'] : []), 'c.generation', 'c.ordinal', 'c.checkpoint']
  if (after !== undefined) {
    const cells = [scopeOf(after), after.generation, after.order, key(after.name)]
    conditions.push(isAfter(dialect, order, cells.slice(-order.length), add))
  }
  const place = add(limit)
  const text = `select ${selectList(dialect, checkpointColumns, 'c')} from ${dialect.table('checkpoints')} c
    where ${conditions.join(' and ')}
    order by ${order.join(', ')} limit ${dialect.limit?.(place) ?? place}`
  return { text, parameters: list }
}
