import { script } from './link.ts'

/*
 * Checkpoints of an execution: a hash of them (`c:<id>`), whose fields are what stands for step and item (22 characters), the generation (16) and the
 * name; each value begins with its place in the order (16). And a sorted set of the same with that place before the name (`n:<id>`): in
 * it they are read.
 */

export const scopeLength = 22
export const orderLength = 16
/** Where the order begins in a member of the sorted set; and the name in a field of the hash. */
export const orderAt = scopeLength + orderLength
/** Where the name begins in a member of the sorted set. */
export const nameAt = orderAt + orderLength

/** Takes away and writes what `packedCheckpoints` packed. */
export const changeCheckpoints = `
local function changeCheckpoints(packed, checkpoints, places)
  local call, sub = redis.call, string.sub
  local function member(field, value)
    return sub(field, 1, ${orderAt}) .. sub(value, 1, ${orderLength}) .. sub(field, ${orderAt + 1})
  end
  local lists = cmsgpack.unpack(packed)
  for _, scope in ipairs(lists[1]) do
    local from, to = '[' .. scope, '(' .. scope .. '\\255'
    for _, found in ipairs(call('ZRANGEBYLEX', places, from, to)) do
      call('HDEL', checkpoints, sub(found, 1, ${orderAt}) .. sub(found, ${nameAt + 1}))
    end
    call('ZREMRANGEBYLEX', places, from, to)
  end
  for _, field in ipairs(lists[2]) do
    local old = call('HGET', checkpoints, field)
    if old then
      call('ZREM', places, member(field, old))
      call('HDEL', checkpoints, field)
    end
  end
  for i = 1, #lists[3], 2 do
    local field, value = lists[3][i], lists[3][i + 1]
    local old = call('HGET', checkpoints, field)
    call('HSET', checkpoints, field, value)
    call('ZADD', places, 0, member(field, value))
    if old and member(field, old) ~= member(field, value) then call('ZREM', places, member(field, old)) end
  end
end
`

/** Some checkpoints. KEYS: the hash, the sorted set. ARGV: from where to where, how many. Gives members and values. */
export const checkpointsScript = script(`
local members = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local values = {}
for i, member in ipairs(members) do
  values[i] = redis.call('HGET', KEYS[1], string.sub(member, 1, ${orderAt}) .. string.sub(member, ${nameAt + 1}))
end
return {members, values}
`)
