import type { ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import type { Row } from '../sql/cells.ts'
import { toKey } from './keys.ts'
import { literal } from './literals.ts'
import type { MysqlSession } from './session.ts'

/**
 * Locks executions, in the order of their keys so that no two transactions wait for each other, and returns which are still their owners'.
 * Of those that are not, the rows stay locked until the transaction ends; that is soon.
 */
export async function lockOwned<T extends ExecutionFence>(
  session: MysqlSession,
  table: string,
  fences: readonly T[],
): Promise<readonly T[]> {
  return ownedAmong(fences, await session.all(`${selectOf(table, fences)} order by id for update`))
}

/** The same without waiting: those that somebody else has locked are `locked`, if they are still their owners'. */
export async function tryLockOwned<T extends ExecutionFence>(
  session: MysqlSession,
  table: string,
  fences: readonly T[],
): Promise<{ readonly held: readonly T[]; readonly locked: readonly T[] }> {
  const held = ownedAmong(fences, await session.all(`${selectOf(table, fences)} order by id for update skip locked`))
  if (held.length === fences.length) return { held, locked: [] }
  const isHeld = new Set(held)
  const others = fences.filter((fence) => !isHeld.has(fence))
  return { held, locked: ownedAmong(others, await session.all(selectOf(table, others))) }
}

function selectOf(table: string, fences: readonly ExecutionFence[]): string {
  const keys = listOf(fences.map(({ id }) => toKey(id)))
  return `select id, owner, epoch, last_sequence from ${table} force index (primary) where id in (${keys})`
}

function ownedAmong<T extends ExecutionFence>(fences: readonly T[], rows: readonly Row[]): readonly T[] {
  const byKey = new Map(rows.map((row) => [row['id'] as string, row]))
  return fences.filter(({ id, owner, epoch, sequence = 0 }) => {
    const row = byKey.get(toKey(id))
    if (row === undefined || row['owner'] !== toKey(owner) || row['epoch'] !== epoch) return false
    return sequence >= (row['last_sequence'] as number)
  })
}

/** Texts as the inside of `in (…)`, which can't be empty. */
export function listOf(texts: readonly string[]): string {
  return texts.length === 0 ? 'null' : texts.map(literal).join(', ')
}
