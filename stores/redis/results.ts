import type { ResultCommit, ResultState } from '../../src/core/contracts/result-record.ts'
import type { Connection } from './connection.ts'
import { ownersAtWork, readResults, stateOf } from './kept-result.ts'
import { buckets, escapeText, ownerText, unescapeText } from './layout.ts'
import type { OwnersConnection } from './owners.ts'
import { commitResultScript, purgeResultScript } from './result-scripts.ts'
import { valueBytes } from './values.ts'

/** More than this is for ever: dates end some time. */
const longestTtlMs = 1e14

/** A bucket gives no more than this part of what is to be purged. */
const spread = buckets.length / 4
const leastOfBucket = 100
/** So that neither this process nor its server is held up for long. */
const scriptsAtOnce = 500

/** What there is under keys: one MGET, and a second round trip only to ask whether those that make one are alive. */
export async function getResultsOf(
  connection: OwnersConnection,
  keys: readonly string[],
): Promise<(ResultState | undefined)[]> {
  const kept = await readResults(connection, keys)
  const dead = await connection.owners.deadOf(ownersAtWork(kept))
  return kept.map((one, index) => {
    if (one === undefined || one.letter === 'X' || (one.letter === 'R' && dead.has(one.owner))) return undefined
    return stateOf(connection, keys[index]!, one)
  })
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
  // They are spread evenly, more or less; what is left of a bucket that has more of them comes next time.
  const ofBucket = Math.max(leastOfBucket, Math.ceil(limit / spread))
  const found = (await link.all(
    buckets.map((bucket) => ({ run: 'zrange', keys: [layout.failedResults(bucket)], args: [0, ofBucket - 1] })),
  )) as readonly Buffer[][]
  const members = found.flat().slice(0, limit)
  let purged = 0
  for (let at = 0; at < members.length; at += scriptsAtOnce) {
    const replies = await link.all(
      members.slice(at, at + scriptsAtOnce).map((member) => ({
        run: purgeResultScript,
        keys: layout.resultKeys(unescapeText(member.toString())),
        args: [member],
      })),
    )
    // 0 says that another process has purged it, or makes it anew.
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
