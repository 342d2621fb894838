import type { SharedLook, SharedState, SharedWrite } from '../../src/core/contracts/shared-state.ts'
import type { Connection } from './connection.ts'
import { buckets, escapeText, unescapeText } from './layout.ts'
import { now, script } from './link.ts'

/*
 * A shared state is a hash (`t` token, `n` name, `s` state), in the slot of its bucket; beside it is the sorted set of those of the bucket by when
 * they were written last.
 */

/** KEYS: state, those of the bucket by age. ARGV: key, token, the token that was read or '', name, state or '', what is published or '', the channel. */
const writeScript = script(`${now}
local there = redis.call('HGET', KEYS[1], 't') or ''
if there == ARGV[2] or (there == '' and ARGV[5] == '') then return 1 end
if there ~= ARGV[3] then return 0 end
if ARGV[5] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], 't', ARGV[2], 'n', ARGV[4], 's', ARGV[5])
  redis.call('ZADD', KEYS[2], now, ARGV[1])
end
if ARGV[6] ~= '' then redis.pcall('PUBLISH', ARGV[7], ARGV[6]) end
return 1
`)

/** KEYS: state. */
const readScript = script(`${now}
local found = redis.call('HMGET', KEYS[1], 't', 'n', 's')
return {string.format('%d', now), found[1], found[2], found[3]}
`)

/** What is there, and the time. */
export async function readSharedOf(
  { link, layout }: Connection,
  clock: { time(): Promise<number> },
  keys: readonly string[],
): Promise<SharedLook> {
  if (keys.length === 0) return { now: await clock.time(), states: [] }
  const calls = keys.map((key) => ({ run: readScript, keys: [layout.sharedKeys(key)[0]], args: [] }))
  const replies = (await link.all(calls)) as readonly (readonly (Buffer | null)[])[]
  // The earliest of all: none of them was read before it.
  const time = replies.reduce((first, [at]) => Math.min(first, Number(at!.toString())), Infinity)
  return { now: time, states: replies.map(([, ...cells], index) => stateOf(keys[index]!, cells)) }
}

/** Writes, each by itself. */
export async function writeSharedTo({ link, layout }: Connection, writes: readonly SharedWrite[]): Promise<boolean[]> {
  const replies = await link.all(
    writes.map(({ key, token, was, name, state, frees }) => ({
      run: writeScript,
      keys: layout.sharedKeys(key),
      args: [
        escapeText(key),
        token,
        was ?? '',
        escapeText(name),
        state ?? '',
        frees ? `k${escapeText(key)}` : '',
        layout.hints,
      ],
    })),
  )
  return replies.map((reply) => reply === 1)
}

/** States that were written last before a time. */
export async function oldSharedOf({ link, layout }: Connection, before: number, limit: number): Promise<SharedState[]> {
  const replies = (await link.all(
    buckets.map((bucket) => ({
      run: 'zrangebyscore',
      keys: [layout.sharedByAge(bucket)],
      args: ['-inf', `(${before}`, 'LIMIT', 0, limit],
    })),
  )) as readonly Buffer[][]
  const keys = replies.flat().map((member) => unescapeText(member.toString()))
  const chosen = keys.slice(0, limit)
  const cells = (await link.all(
    chosen.map((key) => ({ run: 'hmget', keys: [layout.sharedKeys(key)[0]], args: ['t', 'n', 's'] })),
  )) as readonly (readonly (Buffer | null)[])[]
  return cells.flatMap((found, index) => stateOf(chosen[index]!, found) ?? [])
}

function stateOf(key: string, [token, name, state]: readonly (Buffer | null | undefined)[]): SharedState | undefined {
  if (token == null || name == null || state == null) return undefined
  return { key, token: token.toString(), name: unescapeText(name.toString()), state: unescapeText(state.toString()) }
}
