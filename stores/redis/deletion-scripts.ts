import { eachAlone, isLate, queuePlaces } from './execution-scripts.ts'
import { script } from './link.ts'

/** Where nothing has not ended, the notes of owners are the last members; where nothing is to be done at all, there are no changes to count. */
const dropNotes = `
local function dropNotes(work, changes)
  local last = redis.call('ZRANGE', work, -1, -1)[1]
  if last and string.sub(last, 1, 1) == 'o' then
    redis.call('ZREMRANGEBYLEX', work, '[o', '(p')
    last = redis.call('ZRANGE', work, -1, -1)[1]
  end
  if not last then redis.call('DEL', changes) end
end
`

/** The members of the index by which an execution is found as one of a family, of a queue, or by its key. */
const lineageMembers = `
local function lineageMembers(prefixes, s, t)
  local members = {}
  for prefix in string.gmatch(prefixes or '', '[^%z]+%z') do
    members[#members + 1] = prefix .. (string.sub(prefix, 1, 1) == 'q' and s or '') .. t
  end
  return members
end
`

/** Deletes an execution with all that it has. ARGV: its owner and epoch, and the number of the call. */
export const removeScript = script(`${isLate}${queuePlaces}${dropNotes}${lineageMembers}
local h = redis.call('HMGET', KEYS[1], 'o', 'e', 's', 'z', 'g', 't', 'l', 'c', 'u', 'p', 'm')
if h[1] ~= ARGV[1] or h[2] ~= ARGV[2] or isLate(h[11], ARGV[3]) then return 0 end
local o, s, z, g, t = h[1], h[3], h[4], h[5], h[6]
local id = string.sub(t, 17)
redis.call('ZREM', KEYS[2], 's' .. s .. t, 'g' .. g .. s .. t)
for _, member in ipairs(lineageMembers(h[8], s, t)) do redis.call('ZREM', KEYS[2], member) end
redis.call('ZREM', KEYS[5], 'u' .. o .. '\\0' .. placeOf(h[9], g) .. t, 'm' .. o .. '\\0' .. id)
if z then redis.call('ZREM', KEYS[2], 'e' .. s .. z .. id) end
if h[10] then redis.call('ZREM', KEYS[2], 'x' .. h[10] .. '\\0' .. t) end
if h[7] then redis.call('ZREM', KEYS[5], 'l' .. h[7] .. id) end
redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[6], KEYS[7])
dropNotes(KEYS[5], KEYS[8])
return 1
`)

/**
 * Deletes executions that have ended, with all that they have. A list: status, end, the index member it was found by, which goes away even if
 * nothing else is left, and what was judged: its owner, that is nobody, or one that is dead for good, and its lineage, or '' for one that has no parent. Gives 1, or 0 where it is gone or has changed,
 * or the owner and the lineage that it has instead. What goes out of one index goes in one command: a command costs more than what it removes.
 */
export const purgeScript = script(`${eachAlone}${dropNotes}${lineageMembers}
local buckets, place = {}, 0
local function bucketOf(index, work, changes)
  local bucket = buckets[index] or {work = work, changes = changes, members = {}, keys = {}, places = {}}
  buckets[index] = bucket
  return bucket
end
local function add(list, ...)
  for _, value in ipairs({...}) do list[#list + 1] = value end
end
local function judge(execution, index, mailbox, given, receipts, work, checkpoints, places, changes)
  place = place + 1
  local h = redis.call('HMGET', execution, 'o', 's', 'z', 'g', 't', 'c', 'p')
  local bucket = bucketOf(index, work, changes)
  if h[2] ~= given[1] or h[3] ~= given[2] then
    add(bucket.members, given[3])
    return 0
  end
  local isChild = h[6] and string.find('\\0' .. h[6], '\\0c', 1, true)
  local lineage = isChild and h[6] or ''
  if h[1] ~= given[4] or lineage ~= given[5] then return {h[1], lineage} end
  local o, s, z, g, t = h[1], h[2], h[3], h[4], h[5]
  local id = string.sub(t, 17)
  if o ~= '' then redis.call('ZREM', work, 'm' .. o .. '\\0' .. id) end
  add(bucket.members, 's' .. s .. t, 'g' .. g .. s .. t, 'e' .. s .. z .. id)
  add(bucket.members, unpack(lineageMembers(h[6], s, t)))
  if h[7] then add(bucket.members, 'x' .. h[7] .. '\\0' .. t) end
  add(bucket.keys, execution, mailbox, receipts, checkpoints, places)
  add(bucket.places, place)
  return 1
end
local done = eachAlone(judge)
local function delete(index, bucket)
  if #bucket.members > 0 then redis.call('ZREM', index, unpack(bucket.members)) end
  if #bucket.keys > 0 then redis.call('UNLINK', unpack(bucket.keys)) end
end
for index, bucket in pairs(buckets) do
  local isDone, reply = pcall(delete, index, bucket)
  if not isDone then
    for _, n in ipairs(bucket.places) do done[n] = {type(reply) == 'table' and reply.err or tostring(reply)} end
  end
  pcall(dropNotes, bucket.work, bucket.changes)
end
return done
`)
