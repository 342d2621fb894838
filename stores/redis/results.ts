import type { ResultClaim, ResultCommit, ResultState } from '../../src/core/contracts/store.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { buckets, escapeText, ownerText, unescapeText } from './layout.ts'
import type { Reply } from './link.ts'
import type { Owners } from './owners.ts'
import { claimScript, commitResultScript, purgeResultScript } from './result-scripts.ts'
import { valueBytes, valueOf } from './values.ts'

/** A result as it is kept. */
interface Kept {
  readonly letter: string
  readonly epoch: number
  /** Escaped. */
  readonly owner: string
  readonly value: Buffer
}

/** More than this is for ever: dates end some time. */
const longestTtlMs = 1e14

/** What there is under keys: one MGET, and a second round trip only to ask whether those that make one are alive. */
export async function getResultsOf(
  connection: Connection,
  owners: Owners,
  keys: readonly string[],
): Promise<(ResultState | undefined)[]> {
  const kept = await read(connection, keys)
  const dead = await owners.deadOf(ownersAtWork(kept))
  return kept.map((one, index) => {
    if (one === undefined || one.letter === 'X' || (one.letter === 'R' && dead.has(one.owner))) return undefined
    return stateOf(connection, keys[index]!, one)
  })
}

/** Claims results: reads first, since most are hits, and claims the rest by script. */
export async function claimResultsOf(
  connection: Connection,
  owners: Owners,
  claims: readonly ResultClaim[],
): Promise<ResultState[]> {
  const { link, layout } = connection
  const kept = await read(
    connection,
    claims.map(({ key }) => key),
  )
  const own = claims.map(({ owner }) => ownerText(owner))
  const dead = await owners.deadOf(ownersAtWork(kept.filter((one, index) => one?.owner !== own[index])))
  const states = kept.map((one, index) => {
    const isFree =
      one === undefined ||
      'FX'.includes(one.letter) ||
      (one.letter === 'R' && (one.owner === own[index] || dead.has(one.owner)))
    return isFree ? undefined : stateOf(connection, claims[index]!.key, one)
  })
  const open = states.flatMap((state, index) => (state === undefined ? [index] : []))
  const replies = await link.all(
    open.map((index) => {
      const owner = kept[index]?.owner ?? ''
      const { key } = claims[index]!
      const args = [own[index]!, dead.has(owner) ? owner : '', escapeText(key)]
      return { run: claimScript, keys: layout.resultKeys(key), args }
    }),
  )
  for (const [position, index] of open.entries()) {
    const reply = replies[position] as Buffer
    const { key } = claims[index]!
    // Digits are a new epoch; a letter begins what somebody else has put there meanwhile.
    states[index] = isDigit(reply[0]!)
      ? { status: 'claimed', epoch: Number(reply.toString()) }
      : stateOf(connection, key, parse(connection, key, reply)!)
  }
  return states.map((state) => state!)
}

/** Ends claims. */
export async function commitResultsOf(
  { link, layout }: Connection,
  commits: readonly ResultCommit[],
): Promise<boolean[]> {
  const replies = await link.all(
    commits.map(({ key, owner, epoch, outcome }) => {
      const [letter, value, keepMs] = outcomeArguments(outcome)
      const member = escapeText(key)
      const args = [ownerText(owner), epoch, letter, value, keepMs, member, layout.hints, `r${member}`]
      return { run: commitResultScript, keys: layout.resultKeys(key), args }
    }),
  )
  return replies.map((reply) => reply === 1)
}

/** Deletes failed results; those that expire are deleted by the server. */
export async function purgeResultsOf({ link, layout }: Connection, limit: number): Promise<number> {
  let purged = 0
  for (const bucket of buckets) {
    if (purged >= limit) break
    const key = layout.failedResults(bucket)
    const found = (await link.one({ run: 'zrange', keys: [key], args: [0, limit - purged - 1] })) as Buffer[]
    const replies = await link.all(
      found.map((member) => ({
        run: purgeResultScript,
        keys: layout.resultKeys(unescapeText(member.toString())),
        args: [member],
      })),
    )
    purged += replies.filter((reply) => reply === 1).length
  }
  return purged
}

function outcomeArguments(
  outcome: ResultCommit['outcome'],
): readonly [letter: string, value: Buffer | string, keepMs: number | string] {
  if (outcome.status === 'released') return ['X', '', '']
  if (outcome.status === 'failed') return ['F', outcome.error === undefined ? '' : valueBytes(outcome.error), '']
  const { output, ttlMs } = outcome
  // What has expired as soon as it is there was not made for anybody else.
  if (ttlMs !== undefined && ttlMs <= 0) return ['X', '', '']
  const keepMs = ttlMs === undefined || ttlMs > longestTtlMs ? '' : Math.ceil(ttlMs)
  return ['C', valueBytes(output), keepMs]
}

/** By MGET, for which a key that holds something else is empty; to claim it says what is wrong. */
async function read(connection: Connection, keys: readonly string[]): Promise<(Kept | undefined)[]> {
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

function parse({ layout }: Connection, key: string, reply: Reply): Kept | undefined {
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

function stateOf({ layout }: Connection, key: string, { letter, epoch, value }: Kept): ResultState {
  if (letter === 'R') return { status: 'running', epoch }
  try {
    if (letter === 'C') return { status: 'completed', output: valueOf(value) }
    return { status: 'failed', epoch, error: value.length === 0 ? undefined : valueOf(value) }
  } catch (cause) {
    throw damaged(`the result "${key}"`, layout.resultKeys(key)[0], cause)
  }
}

function ownersAtWork(kept: readonly (Kept | undefined)[]): Set<string> {
  return new Set(kept.flatMap((one) => (one?.letter === 'R' ? [one.owner] : [])))
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
