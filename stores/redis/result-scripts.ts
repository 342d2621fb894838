import { damagedReply } from './errors.ts'
import { script } from './link.ts'

/*
 * A global result is one text: a letter (R being made, C completed, F failed, X released), the epoch, NUL, the owner, NUL, and
 * the value. A hit is one read. All but results without a ttl expire by themselves.
 *
 * Epochs are microseconds by the server's clock, or one more than the last if the clock is behind it. So they grow even after a
 * result has expired and nothing is left of it, and a late claimant that names an old one is refused.
 */

/** A claim that nobody ends is forgotten after this long, and so is a failure after a day. */
const claimMs = 30 * 86_400_000
const failureMs = 86_400_000
/** A released claim's epoch is kept for as long as a clock might be set back by. */
const releasedMs = 600_000

const parse = `
local value = redis.call('GET', KEYS[1])
local tag, epoch, owner
if value then
  tag, epoch, owner = string.match(value, '^([RCFX])(%d+)%z([^%z]*)%z')
  if not tag then return redis.error_reply('${damagedReply} a result can not be read') end
end
local t = redis.call('TIME')
`

/** KEYS: the result, the failed ones. ARGV: claimant, an owner that was judged dead or '', the result's member among the failed. */
export const claimScript = script(`${parse}
if tag == 'C' then return value end
if tag == 'R' and owner ~= ARGV[1] and owner ~= ARGV[2] then return value end
local next = t[1] * 1000000 + t[2]
if epoch and next <= tonumber(epoch) then next = tonumber(epoch) + 1 end
next = string.format('%.0f', next)
redis.call('SET', KEYS[1], 'R' .. next .. '\\0' .. ARGV[1] .. '\\0', 'PX', ${claimMs})
if tag == 'F' then redis.call('ZREM', KEYS[2], ARGV[3]) end
return next
`)

/**
 * KEYS: as above. ARGV: owner, epoch, letter of the outcome, value, milliseconds to keep it or '', the member among the failed,
 * channel, hint. A repeated commit, whose first answer was lost, succeeds again.
 */
export const commitResultScript = script(`${parse}
if not value or owner ~= ARGV[1] or epoch ~= ARGV[2] then return 0 end
local new = ARGV[3] .. epoch .. '\\0' .. owner .. '\\0' .. ARGV[4]
if tag ~= 'R' then return value == new and 1 or 0 end
local keep = ARGV[5]
if ARGV[3] == 'F' then keep = '${failureMs}' elseif ARGV[3] == 'X' then keep = '${releasedMs}' end
if keep == '' then redis.call('SET', KEYS[1], new) else redis.call('SET', KEYS[1], new, 'PX', keep) end
if ARGV[3] == 'F' then
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  redis.call('ZADD', KEYS[2], now + ${failureMs}, ARGV[6])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
end
redis.pcall('PUBLISH', ARGV[7], ARGV[8])
return 1
`)

/** Deletes a failed result. KEYS: as above. ARGV: the member among the failed. */
export const purgeResultScript = script(`
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
if redis.call('GETRANGE', KEYS[1], 0, 0) == 'F' then redis.call('DEL', KEYS[1]) end
return 1
`)
