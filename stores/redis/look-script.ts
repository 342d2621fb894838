import { takeEach } from './execution-scripts.ts'
import { now, script } from './link.ts'
import { bucketCount } from './layout.ts'
import { changedHeads } from './ready-scripts.ts'

/** Where the keys of executions begin. */
const before = 2 + 2 * bucketCount

/**
 * Takes the first of what is ready, as its caller knows it, if all of it is still so; otherwise reads what has changed. KEYS: what holds for the queue, the leases, the work and the counts of all buckets, then
 * those of executions as `takeScript` has them. ARGV: the five of that script, what is said of the queue ('' for nothing), the time in milliseconds at which the first one is due ('' for none), a packed list of
 * owners that live, the buckets that are to be read again after it (from 1 on, with commas between), then those of `changedHeads`. Gives a list of what `takeScript` gives, and what is in these buckets now; or a list of the time, and what `changedHeads` gives; or 0 where
 * more has to be looked at: something else holds for the queue, is due, or an owner is dead.
 */
export const lookScript = script(`${takeEach}${changedHeads}${now}
if (redis.call('HGET', KEYS[1], 's') or '') ~= ARGV[6] then return 0 end
if ARGV[7] ~= '' and now >= tonumber(ARGV[7]) then return 0 end
for _, owner in ipairs(cmsgpack.unpack(ARGV[8])[1]) do
  local ends = redis.call('ZSCORE', KEYS[2], owner)
  if not ends or tonumber(ends) <= now then return 0 end
end
local heads = changedHeads(2, ${bucketCount}, 10)
if heads.err then return heads end
if heads[1] then
  table.insert(heads, 1, now)
  return heads
end
heads[1] = takeEach(${before})
for bucket in string.gmatch(ARGV[9], '[^,]+') do
  local i = tonumber(bucket)
  local head = headOf(i, KEYS[2 + i], redis.call('GET', KEYS[2 + ${bucketCount} + i]) or '0', 10)
  if head.err then break end
  heads[#heads + 1] = head
end
return heads
`)
