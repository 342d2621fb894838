import type { OwnerState } from '../../src/core/contracts/owner-state.ts'
import type { Connection } from './connection.ts'
import { ownersScript } from './reading-scripts.ts'
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'
import { bucketCount, buckets, escapeText, ownerText, unescapeText } from './layout.ts'
import { now, script } from './link.ts'
import type { RedisSessions } from './sessions.ts'

/*
 * Leases: one sorted set of owners by the time, of its server, at which their leases end; beside it, for people, one by their last
 * renewals. Whether an owner lives can't be read in
 * a script of another slot. So it is read first, and the script in the execution's slot then acts only if the owner is still
 * the one that was judged. That is safe because the dead stay dead: a lease that has run out is never renewed, here atomically;
 * an owner that has no entry counts as dead too. What is judged living may die meanwhile: then the next one to ask sees it.
 */

/** Owners are remembered for so long after their end, so that one that wakes up late learns that it is dead. */
const graveMs = 86_400_000
/** At a time. */
const mostForgotten = 1_000

const timeScript = script(`${now}
return now
`)

/** ARGV: owner, milliseconds, '1' if it was registered by the caller before, what is kept of its connection, '1' if it says what follows of itself. */
const renewScript = script(`${now}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ends then
  if tonumber(ends) <= now then return 0 end
elseif ARGV[3] == '1' then
  return 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
else
  redis.call('HDEL', KEYS[3], ARGV[1])
end
if ARGV[5] == '1' then redis.call('HSET', KEYS[4], ARGV[1], ARGV[6]) end
redis.call('PEXPIRE', KEYS[4], ${graveMs})
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ${graveMs}, 'LIMIT', 0, ${mostForgotten})
for _, owner in ipairs(gone) do
  redis.call('ZREM', KEYS[1], owner)
  redis.call('HDEL', KEYS[3], owner)
  redis.call('HDEL', KEYS[4], owner)
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ${graveMs})
return 1
`)

/** ARGV: owner. */
const endScript = script(`${now}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) > now then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.pcall('PUBLISH', ARGV[2], 'w')
return 1
`)

/** ARGV: owners. Gives the time, then 1 for each that is dead. */
const judgeScript = script(`${now}
local judged = {now}
for i, owner in ipairs(ARGV) do
  local ends = redis.call('ZSCORE', KEYS[1], owner)
  judged[i + 1] = (not ends or tonumber(ends) <= now) and 1 or 0
end
return judged
`)

/** ARGV: owners. Gives for each how long ago it renewed, and how long ago its lease ended, as texts: Lua's numbers lose their sign and fraction. */
const readScript = script(`${now}
local ages = {}
for i, owner in ipairs(ARGV) do
  local ends = redis.call('ZSCORE', KEYS[1], owner)
  local renewed = redis.call('ZSCORE', KEYS[2], owner)
  ages[2 * i - 1] = renewed and tostring(now - tonumber(renewed)) or ''
  ages[2 * i] = ends and tostring(now - tonumber(ends)) or ''
end
return ages
`)

/** ARGV: how many at most. Gives of each that lives what it says of itself, how long ago it renewed, and how long its lease lasts, as texts. */
const workersScript = script(`${now}
local said = redis.call('HGETALL', KEYS[3])
local found = {}
for i = 1, #said, 2 do
  if #found >= 3 * tonumber(ARGV[1]) then break end
  local ends = redis.call('ZSCORE', KEYS[1], said[i])
  if ends and tonumber(ends) > now then
    local renewed = redis.call('ZSCORE', KEYS[2], said[i])
    found[#found + 1] = said[i + 1]
    found[#found + 1] = tostring(renewed and now - tonumber(renewed) or 0)
    found[#found + 1] = tostring(tonumber(ends) - now)
  end
end
return found
`)

/** Owners that may have something, and which of them are dead. */
export interface JudgedBuckets {
  /** By bucket, owners (escaped) that may have unfinished executions there. */
  readonly inBuckets: readonly (readonly string[])[]
  readonly dead: ReadonlySet<string>
  /** By the server's clock, when that was judged. */
  readonly time: number
}

/** What the parts of an open store share that ask which owners live. */
export interface OwnersConnection extends Connection {
  readonly owners: Owners
}

/** Which owners live. */
export class Owners {
  readonly #connection: Connection
  readonly #sessions: RedisSessions | undefined
  /**
   * Owners that were registered here. Should the server lose them (a failover, FLUSHALL), they must not come to life again as new
   * ones: others may have seen them dead.
   */
  readonly #registered = new Set<string>()
  #looks = 0
  /** Owners that were in buckets the last time: most of them are the next time. */
  #seen: readonly string[] = []

  constructor(connection: Connection, sessions: RedisSessions | undefined) {
    this.#connection = connection
    this.#sessions = sessions
  }

  async time(): Promise<number> {
    const { link, layout } = this.#connection
    return (await link.one({ run: timeScript, keys: [layout.leases], args: [] })) as number
  }

  async renew(owner: string, leaseMs: number, worker?: string): Promise<boolean> {
    const { link, layout } = this.#connection
    const known = this.#registered.has(owner) ? '1' : ''
    const keys = [layout.leases, layout.renewals, layout.sessions, layout.workers]
    const session = this.#sessions?.renewing(owner) ?? ''
    const said = worker === undefined ? ['', ''] : ['1', escapeText(worker)]
    const reply = await link.one({ run: renewScript, keys, args: [ownerText(owner), leaseMs, known, session, ...said] })
    if (reply !== 1) {
      this.#sessions?.forget(owner)
      return false
    }
    this.#registered.add(owner)
    this.#sessions?.renewed(owner, session)
    return true
  }

  async end(owner: string): Promise<void> {
    const { link, layout } = this.#connection
    this.#sessions?.forget(owner)
    const keys = [layout.leases, layout.sessions, layout.workers]
    await link.one({ run: endScript, keys, args: [ownerText(owner), layout.hints] })
  }

  async read(owners: readonly string[]): Promise<readonly (OwnerState | undefined)[]> {
    if (owners.length === 0) return []
    const { link, layout } = this.#connection
    const keys = [layout.leases, layout.renewals]
    const reply = (await link.one({ run: readScript, keys, args: owners.map(ownerText) })) as readonly unknown[]
    const texts = reply.map(String)
    return owners.map((_, index) => {
      const [renewed, ended] = [texts[2 * index]!, texts[2 * index + 1]!]
      if (ended === '') return undefined
      const leaseLeftMs = -Number(ended)
      return { isAlive: leaseLeftMs > 0, sinceRenewalMs: renewed === '' ? undefined : Number(renewed), leaseLeftMs }
    })
  }

  async workers(limit: number): Promise<readonly WorkerState[]> {
    const { link, layout } = this.#connection
    const keys = [layout.leases, layout.renewals, layout.workers]
    const reply = await link.one({ run: workersScript, keys, args: [limit] })
    const texts = (reply as readonly unknown[]).map(String)
    return Array.from({ length: texts.length / 3 }, (_, index) => ({
      worker: unescapeText(texts[3 * index]!),
      sinceRenewalMs: Number(texts[3 * index + 1]),
      leaseLeftMs: Number(texts[3 * index + 2]),
    }))
  }

  /** Those of some owners (escaped, as they stand in records) that are dead, for good. */
  async deadOf(owners: Iterable<string>): Promise<ReadonlySet<string>> {
    const candidates = [...owners]
    return candidates.length === 0 ? new Set() : (await this.judge(candidates)).dead
  }

  /** The same, and the time. */
  async judge(candidates: readonly string[]): Promise<{ readonly dead: ReadonlySet<string>; readonly time: number }> {
    const { link, layout } = this.#connection
    const reply = await link.one({ run: judgeScript, keys: [layout.leases], args: candidates })
    const [time, ...areDead] = reply as readonly number[]
    return { dead: new Set(candidates.filter((_, index) => areDead[index] === 1)), time: time! }
  }

  /** Owners that may have something, and which of them are dead: in one round trip, unless some were not there the last time. */
  async judgedInBuckets(): Promise<JudgedBuckets> {
    const seen = new Set(this.#seen)
    const [inBuckets, { dead, time }] = await Promise.all([this.inBuckets(), this.judge([...seen])])
    const present = new Set(inBuckets.flat())
    this.#seen = [...present]
    const deadOfNew = await this.deadOf(this.#seen.filter((owner) => !seen.has(owner)))
    return { inBuckets, dead: new Set([...dead, ...deadOfNew]), time }
  }

  /** By bucket, owners (escaped) that may have unfinished executions there. */
  async inBuckets(): Promise<readonly (readonly string[])[]> {
    const { link, layout } = this.#connection
    // One bucket in each look, so that notes of owners that have nothing there any more go away.
    const tidied = this.#looks++ % bucketCount
    const groups = link.bucketGroupsOf(buckets)
    const replies = await link.all(
      groups.map((group) => ({
        run: ownersScript,
        keys: group.map((bucket) => layout.work(bucket)),
        args: [group.indexOf(tidied) + 1],
      })),
    )
    const texts = replies.flatMap((reply) => (reply as readonly Buffer[]).map(String))
    return texts.map((text) => (text === '' ? [] : text.split('\0')))
  }
}
