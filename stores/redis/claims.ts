import type { ResultClaim, ResultState } from '../../src/core/contracts/result-record.ts'
import { ownersAtWork, parse, readResults, stateOf } from './kept-result.ts'
import { escapeText, ownerText } from './layout.ts'
import type { OwnersConnection } from './owners.ts'
import { claimScript } from './result-scripts.ts'

/** Claims results: reads first, since most are hits, and claims the rest by script. */
export async function claimResultsOf(
  connection: OwnersConnection,
  claims: readonly ResultClaim[],
): Promise<ResultState[]> {
  const { link, layout, owners } = connection
  const kept = await readResults(
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

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
