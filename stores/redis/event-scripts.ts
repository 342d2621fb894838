import { now, script } from './link.ts'

/*
 * Events lie in slots of their own, apart from the executions that wait for them, and so do the waits. Of an event: its hash (`v` value, `g` generation,
 * `a` when it was emitted, `x` until when it is kept, `m` the emission; scope, name and key for people), the sorted set of who waits for it by the
 * generation of which they have been woken, and a hash of since when they wait. Of a bucket: those for which somebody may have to be woken,
 * those that there are by the end of their time, and all waits by when they were looked at last.
 */

/** KEYS: event, waits, pending, expiries. ARGV: id, emission, value, at, expiry, scope, name, key. */
export const emitScript = script(`${now}
local known = redis.call('HMGET', KEYS[1], 'm', 'x', 'g')
if known[1] == ARGV[2] then return 1 end
if known[1] and tonumber(known[2]) > now then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[3], 'g', (tonumber(known[3]) or 0) + 1, 'a', ARGV[4], 'x', ARGV[5], 'm', ARGV[2], 's', ARGV[6], 'n', ARGV[7], 'k', ARGV[8])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('SADD', KEYS[3], ARGV[1]) end
return 1
`)

/** KEYS: event, waits, since, looks. ARGV: execution, at, the wait's member among the looks. */
export const awaitScript = script(`
redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1])
redis.call('HSETNX', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[2], ARGV[3])
local found = redis.call('HMGET', KEYS[1], 'v', 'a', 'g', 'x')
if not found[1] or tonumber(redis.call('HGET', KEYS[3], ARGV[1])) >= tonumber(found[4]) then return false end
return {found[1], found[2], found[3]}
`)

/** KEYS: waits, since, looks. ARGV: execution, the wait's member among the looks, the time after which it is another one. */
export const endWaitScript = script(`
local seen = redis.call('ZSCORE', KEYS[3], ARGV[2])
if seen and tonumber(seen) > tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[2])
return 1
`)

/** The executions that are to be woken. KEYS: event, waits, pending. ARGV: id, limit. */
export const undeliveredScript = script(`
local generation = redis.call('HGET', KEYS[1], 'g')
local found = generation and redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. generation, 'LIMIT', 0, ARGV[2]) or {}
if #found == 0 then
  redis.call('SREM', KEYS[3], ARGV[1])
  return false
end
return {generation, found}
`)

/** Deletes an event that has expired, and for which nobody waits. KEYS: event, waits, pending, expiries. ARGV: id. */
export const purgeEventScript = script(`${now}
local expiry = redis.call('HGET', KEYS[1], 'x')
if not expiry then
  redis.call('ZREM', KEYS[4], ARGV[1])
  return 0
end
if tonumber(expiry) > now or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
`)
