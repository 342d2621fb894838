import { script } from './link.ts'

/*
 * All schedules lie in one slot. `i` is their index, whose members all have score 0, so that they sort by their bytes: `d<graph>\0<due><name>` those that are to
 * be looked at, `n<name>` all, `g<graph>\0<name>` all of a graph. Hashes by name: `v` what is declared and how far it has come (msgpack), `r` the revision and the
 * write that made it, `d` and `g` the members of the index.
 */

/** KEYS of all of them: index, values, revisions, due members, graph members. */
const put = `
local function put(name, revision, value, due, graph)
  local old = redis.call('HGET', KEYS[4], name)
  if old and old ~= due then redis.call('ZREM', KEYS[1], old) end
  local former = redis.call('HGET', KEYS[5], name)
  if former and former ~= graph then redis.call('ZREM', KEYS[1], former) end
  redis.call('HSET', KEYS[2], name, value)
  redis.call('HSET', KEYS[3], name, revision)
  redis.call('HSET', KEYS[4], name, due)
  redis.call('HSET', KEYS[5], name, graph)
  redis.call('ZADD', KEYS[1], 0, 'n' .. name, 0, graph)
  if due ~= '' then redis.call('ZADD', KEYS[1], 0, due) end
end
`

/** ARGV: name, revision and write, value, due member or '', graph member, channel of hints. Gives the value and due member of one that was there. */
export const addScheduleScript = script(`${put}
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return {known, redis.call('HGET', KEYS[4], ARGV[1])} end
put(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
redis.call('PUBLISH', ARGV[6], 's')
return 1
`)

/** ARGV: name, revision and write, value, due member or '', graph member, the revision that it goes on from. */
export const changeScheduleScript = script(`${put}
local known = redis.call('HGET', KEYS[3], ARGV[1])
if known == ARGV[2] then return 1 end
if not known or string.match(known, '^%d+') ~= ARGV[6] then return 0 end
put(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
`)

/** ARGV: name. */
export const deleteScheduleScript = script(`
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
local due, graph = redis.call('HGET', KEYS[4], ARGV[1]), redis.call('HGET', KEYS[5], ARGV[1])
if due then redis.call('ZREM', KEYS[1], due) end
if graph then redis.call('ZREM', KEYS[1], graph) end
redis.call('ZREM', KEYS[1], 'n' .. ARGV[1])
for place = 3, 5 do redis.call('HDEL', KEYS[place], ARGV[1]) end
return 1
`)

/** ARGV: beginnings of due members, one for each graph. Gives the earliest time as it stands in them. */
export const nextScheduleScript = script(`
local first = false
for _, beginning in ipairs(ARGV) do
  local found = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. beginning, '(' .. beginning .. '\\255', 'LIMIT', 0, 1)
  if found[1] then
    local time = string.sub(found[1], #beginning + 1, #beginning + 16)
    if not first or time < first then first = time end
  end
end
return first
`)

/** ARGV: the time up to which they are due, the one to which they are moved, the limit, beginnings of due members. Gives names and values. */
export const takeSchedulesScript = script(`
local due = {}
for place = 4, #ARGV do
  local beginning = ARGV[place]
  local found = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. beginning, '(' .. beginning .. ARGV[1] .. '\\255', 'LIMIT', 0, ARGV[3])
  for _, member in ipairs(found) do
    due[#due + 1] = {string.sub(member, #beginning + 1, #beginning + 16), member, beginning}
  end
end
table.sort(due, function(one, other)
  if one[1] == other[1] then return one[2] < other[2] end
  return one[1] < other[1]
end)
local taken = {}
for place = 1, math.min(#due, tonumber(ARGV[3])) do
  local _, member, beginning = unpack(due[place])
  local name = string.sub(member, #beginning + 17)
  local moved = beginning .. ARGV[2] .. name
  redis.call('ZREM', KEYS[1], member)
  redis.call('ZADD', KEYS[1], 0, moved)
  redis.call('HSET', KEYS[4], name, moved)
  taken[#taken + 1] = name
  taken[#taken + 1] = redis.call('HGET', KEYS[2], name)
end
return taken
`)
