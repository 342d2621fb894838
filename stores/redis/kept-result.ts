import type { ResultState } from '../../src/core/contracts/result-record.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import type { Reply } from './link.ts'
import { valueOf } from './values.ts'

/** A result as it is kept. */
interface Kept {
  readonly letter: string
  readonly epoch: number
  /** Escaped. */
  readonly owner: string
  readonly value: Buffer
}

/** By MGET, for which a key that holds something else is empty; to claim it says what is wrong. */
export async function readResults(connection: Connection, keys: readonly string[]): Promise<(Kept | undefined)[]> {
  const { link, layout } = connection
  const groups = link.groupsOf(keys.map((id, index) => ({ id, index })))
  const replies = await link.all(
    groups.map((group) => ({ run: 'mget', keys: group.map(({ id }) => layout.resultKeys(id)[0]), args: [] })),
  )
  const kept: (Kept | undefined)[] = []
  for (const [number, group] of groups.entries()) {
    const found = replies[number] as readonly Reply[]
    for (const [position, { id, index }] of group.entries()) kept[index] = parse(connection, id, found[position]!)
  }
  return kept
}

export function parse({ layout }: Connection, key: string, reply: Reply): Kept | undefined {
  if (reply === null) return undefined
  const bytes = reply as Buffer
  const afterEpoch = bytes.indexOf(0)
  const afterOwner = bytes.indexOf(0, afterEpoch + 1)
  const letter = bytes.toString('latin1', 0, 1)
  const epoch = Number(bytes.toString('latin1', 1, Math.max(1, afterEpoch)))
  if (afterEpoch < 2 || afterOwner < 0 || !Number.isSafeInteger(epoch) || !'RCFX'.includes(letter))
    throw damaged(`the result "${key}"`, layout.resultKeys(key)[0])
  return {
    letter,
    epoch,
    owner: bytes.toString('utf8', afterEpoch + 1, afterOwner),
    value: bytes.subarray(afterOwner + 1),
  }
}

export function stateOf({ layout }: Connection, key: string, { letter, epoch, value }: Kept): ResultState {
  if (letter === 'R') return { status: 'running', epoch }
  try {
    if (letter === 'C') return { status: 'completed', output: valueOf(value) }
    return { status: 'failed', epoch, error: value.length === 0 ? undefined : valueOf(value) }
  } catch (cause) {
    throw damaged(`the result "${key}"`, layout.resultKeys(key)[0], cause)
  }
}

export function ownersAtWork(kept: readonly (Kept | undefined)[]): Set<string> {
  return new Set(kept.flatMap((one) => (one?.letter === 'R' ? [one.owner] : [])))
}
