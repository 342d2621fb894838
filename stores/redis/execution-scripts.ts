import { changeCheckpoints } from './checkpoint-scripts.ts'
import { headFields } from './head-record.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import { controlFirst, openCodes, turnInQueue } from './layout.ts'
import { script } from './link.ts'
import { mostBytes, sizeOf } from './reading-scripts.ts'
import { noteChange } from './ready-scripts.ts'

/*
 * Scripts that change executions, in their slot. KEYS of one: its hash, its bucket's index, its mailbox, its receipts, its bucket's work, its checkpoints and their places, and the count of changes of what is ready. Each checks first, and writes
 * after that; the first write is one that a full server refuses, so that all is refused as a whole. A subscriber's hint is published
 * with `pcall`: it may fail (an ACL without channels) without leaving half of a change behind.
 */

/**
 * Puts an unfinished step's record unless one that is completed is there: `step-record.ts` writes msgpack lists that begin with the
 * status.
 */
const putUnfinished = `
local function putUnfinished(key, field, record)
  local old = redis.call('HGET', key, field)
  if old and (string.sub(old, 2, 11) == '\\169completed' or string.sub(old, 2, 8) == '\\166cached') then return end
  redis.call('HSET', key, field, record)
end
`

/** Whether something was written that was sent later than a call. */
export const isLate = `
local function isLate(last, sequence) return last and tonumber(last) > tonumber(sequence) end
`

/*
 * The scripts of the hot path do the same to several executions, since sending a script costs more than running it. KEYS: those of one
 * execution after the other. ARGV[1]: a list for each, as `packed-lists.ts` writes it: two hundred arguments would cost more than
 * all the rest. They give for each what became of it; or, as a text, what is wrong with its hash; or, as a list of one text, what
 * else went wrong with it alone.
 */

export const eachAlone = `
local function eachAlone(act, before)
  local done = {}
  for i, given in ipairs(cmsgpack.unpack(ARGV[1])) do
    local k = (before or 0) + 8 * i
    local isDone, reply = pcall(act, KEYS[k - 7], KEYS[k - 6], KEYS[k - 5], given, KEYS[k - 4], KEYS[k - 3], KEYS[k - 2], KEYS[k - 1], KEYS[k])
    if isDone then done[i] = reply else done[i] = {type(reply) == 'table' and reply.err or tostring(reply)} end
  end
  return done
end
`

/** ARGV: the lists, the channel. A list: what is published of new work ('' for nothing), packed checkpoints or '', number of scores and members of the index, these, the same of work, fields and values. */
export const createScript = script(`${changeCheckpoints}${noteChange}${eachAlone}
local call, hint = redis.call, nil
local function create(execution, index, mailbox, given, receipts, work, checkpoints, places, changes)
  if call('EXISTS', execution) == 1 then
    local head = redis.pcall('HMGET', execution, '${headFields.join("', '")}')
    return head.err or head
  end
  local indexed = 3 + tonumber(given[3])
  local worked = indexed + 1 + tonumber(given[indexed + 1])
  call('HSET', execution, unpack(given, worked + 1))
  call('ZADD', index, unpack(given, 4, indexed))
  call('ZADD', work, unpack(given, indexed + 2, worked))
  noteChange(changes)
  call('DEL', mailbox, receipts, checkpoints, places)
  if given[2] ~= '' then changeCheckpoints(given[2], checkpoints, places) end
  if given[1] ~= '' then hint = given[1] end
  return 1
end
local done = eachAlone(create)
if hint then redis.pcall('PUBLISH', ARGV[2], hint) end
return done
`)

/** Where an execution stands in its queue (`layout.ts`): while nobody has it, and while it is parked. */
export const queuePlaces = `
local function placeOf(u, g) return u or ('${defaultQueue}\\0' .. g) end
local function freeMembers(status, u, f, t)
  if status ~= 'p' then return {'v' .. u .. t} end
  return {'n' .. u .. (f or '\\0' .. '${turnInQueue('', 0).slice(1)}') .. t, 'p' .. u .. t}
end
local function addFree(work, status, u, f, t)
  for _, member in ipairs(freeMembers(status, u, f, t)) do redis.call('ZADD', work, 0, member) end
end
local function queuePrefix(u) return 'q' .. string.match(u, '^[^%z]*') .. '\\0' end
local function parkedMember(u, id) return 'k' .. string.match(u, '^[^%z]*') .. '\\0' .. id end
local function dueMember(status, u, due, id) return (status == 'p' and 'a' or 'd') .. u .. due .. id end
`

/** Where the message of a number may be in its mailbox: the class says which. */
const mailPlaces = `
local function placesInMailbox(seq) return {string.format('%d', seq), string.format('%d', seq - ${controlFirst})} end
local function isInMailbox(mailbox, seq)
  for _, place in ipairs(placesInMailbox(seq)) do
    if redis.call('ZCOUNT', mailbox, place, place) > 0 then return true end
  end
  return false
end
`

const putFields = `
local function putFields(key, given, first, last)
  for from = first, last, 4000 do redis.call('HSET', key, unpack(given, from, math.min(from + 3999, last))) end
end
`

/**
 * Commits that move nothing in the index. KEYS: the hashes. A list: owner, epoch, number of the call, number of fields and values,
 * these, then fields and records of unfinished steps. Gives 1, or 0 where it was refused.
 */
export const commitScript = script(`${isLate}${putUnfinished}${putFields}
local done = {}
for i, given in ipairs(cmsgpack.unpack(ARGV[1])) do
  local key, last = KEYS[i], 4 + tonumber(given[4])
  local h = redis.pcall('HMGET', key, 'o', 'e', 'm')
  if h.err then
    done[i] = h.err
  elseif h[1] ~= given[1] or h[2] ~= given[2] or isLate(h[3], given[3]) then
    done[i] = 0
  else
    putFields(key, given, 5, last)
    for n = last + 1, #given, 2 do putUnfinished(key, given[n], given[n + 1]) end
    done[i] = 1
  end
end
return done
`)

/**
 * Commits of any kind. ARGV: the lists, the channel. A list: owner, epoch, new status or '', new end ('' as it is, '-' none), '1' if
 * released, numbers of consumed messages with commas between or '', packed lists of receipts with their verdicts and of those that are opened or '', a packed list of outgoing messages as members of work or '', last message that was read where it is to be parked or '', packed changes of checkpoints or '', a packed list of answers that are announced or '', number of the call, number of fields to remove, number of unfinished steps' fields and records,
 * the fields to remove, fields and values, unfinished steps' fields and records. Gives 1, or 0 where it was refused, or 2 where there is a later
 * message.
 */
export const fullCommitScript =
  script(`${isLate}${changeCheckpoints}${noteChange}${putUnfinished}${putFields}${mailPlaces}${queuePlaces}${eachAlone}
local call = redis.call
local function commit(execution, index, mailbox, given, receipts, work, checkpoints, places, changes)
  local h = redis.pcall('HMGET', execution, 'o', 'e', 's', 'z', 'g', 't', 'l', 'u', 'f', 'p', 'm')
  if h.err then return h.err end
  if h[1] ~= given[1] or h[2] ~= given[2] or isLate(h[11], given[12]) then return 0 end
  local owner, s0, z0, g, t = h[1], h[3], h[4], h[5], h[6]
  local u = placeOf(h[8], g)
  local parks = given[9] ~= ''
  if parks then
    local control = string.format('%d', tonumber(given[9]) - ${controlFirst})
    local later = call('ZCOUNT', mailbox, '(' .. given[9], '+inf') + call('ZCOUNT', mailbox, '(' .. control, '(0')
    if later > 0 then return 2 end
  end
  local n, removed = #given - tonumber(given[14]), tonumber(given[13])
  putFields(execution, given, 15 + removed, n)
  for i = n + 1, #given, 2 do putUnfinished(execution, given[i], given[i + 1]) end
  if removed > 0 then call('HDEL', execution, unpack(given, 15, 14 + removed)) end
  local s, z, id = s0, z0, string.sub(t, 17)
  if given[3] ~= '' then s = given[3] end
  if given[4] == '-' then z = false elseif given[4] ~= '' then z = given[4] end
  local released = given[5] == '1'
  local wasOpen, isOpen = string.find('${openCodes}', s0, 1, true), string.find('${openCodes}', s, 1, true)
  if s ~= s0 then
    local queue = h[8] and queuePrefix(h[8])
    if queue then
      call('ZADD', index, 0, 's' .. s .. t, 0, 'g' .. g .. s .. t, 0, queue .. s .. t)
      call('ZREM', index, 's' .. s0 .. t, 'g' .. g .. s0 .. t, queue .. s0 .. t)
    else
      call('ZADD', index, 0, 's' .. s .. t, 0, 'g' .. g .. s .. t)
      call('ZREM', index, 's' .. s0 .. t, 'g' .. g .. s0 .. t)
    end
  end
  if isOpen and parks then
    local due = call('HGET', execution, 'y')
    call('ZADD', work, 0, parkedMember(u, id))
    if due then call('ZADD', work, 0, dueMember(s, u, due, id)) end
  elseif isOpen and released then
    addFree(work, s, u, h[9], t)
  elseif isOpen and not wasOpen then
    call('ZADD', work, 0, 'u' .. owner .. '\\0' .. u .. t, 0, 'o' .. owner)
  end
  if wasOpen and (released or not isOpen) then call('ZREM', work, 'u' .. owner .. '\\0' .. u .. t) end
  if isOpen and (released or not wasOpen) then noteChange(changes) end
  local l0 = h[7] and wasOpen and s0 ~= 'u' and h[7]
  local l = isOpen and s ~= 'u' and call('HGET', execution, 'l')
  if l ~= l0 then
    if l then call('ZADD', work, 0, 'l' .. l .. id) end
    if l0 then call('ZREM', work, 'l' .. l0 .. id) end
  end
  if s ~= s0 or z ~= z0 then
    if z0 then call('ZREM', index, 'e' .. s0 .. z0 .. id) end
    if z then call('ZADD', index, 0, 'e' .. s .. z .. id) end
  end
  local p0, p = h[10], call('HGET', execution, 'p')
  if p ~= p0 then
    if p0 then call('ZREM', index, 'x' .. p0 .. '\\0' .. t) end
    if p then call('ZADD', index, 0, 'x' .. p .. '\\0' .. t) end
  end
  for seq in string.gmatch(given[6], '%d+') do
    for _, place in ipairs(placesInMailbox(tonumber(seq))) do call('ZREMRANGEBYSCORE', mailbox, place, place) end
  end
  if given[7] ~= '' then
    local slots = cmsgpack.unpack(given[7])
    for n = 1, #slots[1], 2 do call('HSETNX', receipts, slots[1][n], slots[1][n + 1]) end
    for _, slot in ipairs(slots[2]) do
      local seq = tonumber(call('HGET', receipts, slot))
      if not seq or not isInMailbox(mailbox, seq) then call('HDEL', receipts, slot) end
    end
  end
  if given[8] ~= '' then
    for _, member in ipairs(cmsgpack.unpack(given[8])[1]) do call('ZADD', work, 0, member) end
  end
  if given[10] ~= '' then changeCheckpoints(given[10], checkpoints, places) end
  if released or (given[6] ~= '' and call('EXISTS', mailbox) == 0) then
    call('ZREM', work, 'm' .. owner .. '\\0' .. id)
  end
  if wasOpen and not isOpen then redis.pcall('PUBLISH', ARGV[2], 'e' .. id) end
  if released and isOpen and not parks then redis.pcall('PUBLISH', ARGV[2], 'w') end
  if given[11] ~= '' then
    for _, answered in ipairs(cmsgpack.unpack(given[11])[1]) do redis.pcall('PUBLISH', ARGV[2], 'a' .. answered) end
  end
  return 1
end
return eachAlone(commit)
`)

/**
 * Gives executions a new owner, each if its owner is still the one that was judged: nobody, one that is dead for good, or the caller
 * itself. ARGV: the lists, the new owner, '1' if ended ones count, the number of the call, how many at most. A list: judged owner, the index member it was found by (or ''). Gives, packed,
 * for each a list that begins with '1' if it was lost and '0' if not, then '1' if it has messages and '0' if not, and the count of changes, and goes on with the head, which may be left out; nothing where somebody
 * else was faster; or a text that says what went wrong.
 */
export const takeEach = `${isLate}${sizeOf}${noteChange}${queuePlaces}${eachAlone}
local left, count, most = ${mostBytes}, 0, tonumber(ARGV[5])
local function take(execution, _, mailbox, given, _, work, _, _, changes)
  if count == most then return false end
  local h = redis.call('HMGET', execution, 'o', 'e', 's', 'r', 'g', 't', 'k', 'y', 'u', 'f', 'm')
  if not h[2] then
    if given[2] ~= '' and redis.call('ZREM', work, given[2]) == 1 then noteChange(changes) end
    return false
  end
  local last, owner = h[1], ARGV[2]
  if last ~= given[1] or (last == owner and isLate(h[11], ARGV[4])) then return false end
  local isOpen = string.find('${openCodes}', h[3], 1, true)
  if not isOpen and ARGV[3] ~= '1' then return false end
  -- It was parked, or woken, since it was found.
  local u, id = placeOf(h[9], h[5]), string.sub(h[6], 17)
  local due = h[7] and h[8] and dueMember(h[3], u, h[8], id)
  if given[2] ~= '' and h[7] and given[2] ~= due then return false end
  if string.sub(given[2], 1, 1) == 'd' and not h[7] then return false end
  local lost = isOpen and last ~= '' and last ~= owner
  local hasMail = redis.call('EXISTS', mailbox) == 1
  count = count + 1
  redis.call('HSET', execution, 'o', owner, 'e', string.format('%d', tonumber(h[2]) + 1),
    'r', string.format('%d', tonumber(h[4]) + (lost and 1 or 0)), 'm', ARGV[4])
  if h[7] then
    redis.call('HDEL', execution, 'k', 'y', 'j')
    redis.call('ZREM', work, parkedMember(u, id))
    if due then redis.call('ZREM', work, due) end
  end
  if last ~= owner then
    if isOpen then
      redis.call('ZADD', work, 0, 'u' .. owner .. '\\0' .. u .. h[6], 0, 'o' .. owner)
      if last ~= '' then
        redis.call('ZREM', work, 'u' .. last .. '\\0' .. u .. h[6])
      elseif not h[7] then
        redis.call('ZREM', work, unpack(freeMembers(h[3], u, h[10], h[6])))
      end
    end
    if hasMail then
      redis.call('ZADD', work, 0, 'm' .. owner .. '\\0' .. id)
      redis.call('ZREM', work, 'm' .. last .. '\\0' .. id)
    end
  end
  local taken = {lost and '1' or '0', hasMail and '1' or '0', noteChange(changes)}
  if left <= 0 then return taken end
  local head = redis.call('HMGET', execution, '${headFields.join("', '")}')
  left = left - sizeOf(head)
  for _, field in ipairs(head) do taken[#taken + 1] = field end
  return taken
end
local function takeEach(before)
  local done = eachAlone(take, before)
  for i, reply in ipairs(done) do
    if reply and reply[1] ~= '0' and reply[1] ~= '1' then done[i] = reply[1] end
  end
  return cmsgpack.pack(done)
end
`

/** The same alone. KEYS: as above. */
export const takeScript = script(`${takeEach}
return takeEach()
`)

/** Lets executions begin that were parked until now. A list: the index member it was found by. Gives 1, or 0 where that is so no more. */
export const beginDueScript = script(`${noteChange}${queuePlaces}${eachAlone}
local function begin(execution, _, _, given, _, work, _, _, changes)
  local h = redis.call('HMGET', execution, 's', 'g', 't', 'k', 'y', 'u', 'f')
  local member = given[1]
  local u = h[2] and placeOf(h[6], h[2])
  local id = h[3] and string.sub(h[3], 17)
  redis.call('ZREM', work, member)
  noteChange(changes)
  if not (h[4] and h[5]) or h[1] ~= 'p' or member ~= dueMember('p', u, h[5], id) then return 0 end
  redis.call('HDEL', execution, 'k', 'y', 'j')
  redis.call('ZREM', work, parkedMember(u, id))
  addFree(work, 'p', u, h[7], h[3])
  return 1
end
return eachAlone(begin)
`)

/** The names of receipts, each before what is kept under it. By the client's own command it would be an object. */
export const receiptsScript = script(`return redis.call('HGETALL', KEYS[1])`)

/**
 * Appends to a mailbox what is accepted. ARGV: the message, what is added to its number for its place in the mailbox, the channel, the receipts of its id
 * and its slot or '', '1' if it is for ended executions too. Gives the verdict.
 */
export const postScript = script(`${noteChange}${queuePlaces}
local h = redis.call('HMGET', KEYS[1], 'o', 't', 's', 'k', 'y', 'g', 'u', 'f')
if not h[2] then return 'unknown' end
local id, slot, verdict, known = ARGV[4], ARGV[5], false, false
if id ~= '' then known = redis.call('HGET', KEYS[4], id) end
if known then
  verdict = known
elseif not string.find('${openCodes}', h[3], 1, true) and ARGV[6] ~= '1' then
  verdict = 'ended'
elseif slot ~= '' then
  verdict = redis.call('HGET', KEYS[4], slot)
  if tonumber(verdict) then verdict = 'duplicate' end
end
verdict = verdict or 'accepted'
if not known and verdict == 'accepted' then
  local seq = redis.call('HINCRBY', KEYS[1], 'q', 1)
  local place = string.format('%d', seq + tonumber(ARGV[2]))
  redis.call('ZADD', KEYS[3], place, string.format('%d', seq) .. ':' .. ARGV[1])
  if slot ~= '' then redis.call('HSET', KEYS[4], slot, string.format('%d', seq)) end
  if h[1] ~= '' then redis.call('ZADD', KEYS[5], 0, 'm' .. h[1] .. '\\0' .. string.sub(h[2], 17)) end
  if h[4] then
    redis.call('HDEL', KEYS[1], 'k', 'y', 'j')
    local u, id = placeOf(h[7], h[6]), string.sub(h[2], 17)
    addFree(KEYS[5], h[3], u, h[8], h[2])
    redis.call('ZREM', KEYS[5], parkedMember(u, id))
    if h[5] then redis.call('ZREM', KEYS[5], dueMember(h[3], u, h[5], id)) end
    noteChange(KEYS[8])
    redis.pcall('PUBLISH', ARGV[3], 'w')
  end
end
if id ~= '' and not known then redis.call('HSET', KEYS[4], id, verdict) end
if verdict == 'accepted' and h[1] ~= '' then redis.pcall('PUBLISH', ARGV[3], 'm' .. h[1]) end
return verdict
`)
