import { headFields, markFields } from './head-record.ts'
import { errorOfKey, script } from './link.ts'

/** Of what has more bytes, in one reply, the rest is read one by one: nobody waits long for one script. */
export const mostBytes = 1_048_576

export const sizeOf = `
local function sizeOf(head)
  local size = 0
  for _, field in ipairs(head) do if field then size = size + #field end end
  return size
end
`

/** What executions are counted by. KEYS: the hashes. Gives, packed, a list of fields for each; nothing where it is to be read alone. */
export const marksScript = script(`
local done = {}
for i, key in ipairs(KEYS) do
  local mark = redis.pcall('HMGET', key, '${markFields.join("', '")}')
  done[i] = not mark.err and mark
end
return cmsgpack.pack(done)
`)

/** The heads of executions. KEYS: the hashes. Gives, packed, a list of fields for each; nothing where it is to be read alone. */
export const headsScript = script(`${sizeOf}
local left, done = ${mostBytes}, {}
for i, key in ipairs(KEYS) do
  done[i] = false
  if left > 0 then
    local head = redis.pcall('HMGET', key, '${headFields.join("', '")}')
    if not head.err then
      done[i] = head
      left = left - sizeOf(head)
    end
  end
end
return cmsgpack.pack(done)
`)

/**
 * Whose the unfinished executions of buckets are. KEYS: their work. ARGV: the place of one whose notes of owners are looked through: those of
 * owners that have none there any more go away. Gives the owners of each as a text, with NUL between, which is in none.
 */
export const ownersScript = script(`${errorOfKey}
local found = {}
local function hasNone(work, owner)
  return not redis.call('ZRANGEBYLEX', work, '[u' .. owner .. '\\0', '(u' .. owner .. '\\1', 'LIMIT', 0, 1)[1]
end
for i, work in ipairs(KEYS) do
  local notes = redis.pcall('ZRANGEBYLEX', work, '[o', '(p')
  if notes.err then return errorOfKey(notes, i) end
  local owners = {}
  for _, note in ipairs(notes) do
    local owner = string.sub(note, 2)
    if ARGV[1] == tostring(i) and hasNone(work, owner) then
      redis.pcall('ZREM', work, note)
    else
      owners[#owners + 1] = owner
    end
  end
  found[i] = table.concat(owners, '\\0')
end
return found
`)

/**
 * The hashes of executions, with their steps. KEYS: the hashes. ARGV: how many bytes one may have, and how many all together. Gives, packed, a list
 * for each: fields and values; or, of one that has more, a text with how many fields and bytes it has; or nothing for those that are
 * to be read with the next ones.
 */
export const readScript = script(`${sizeOf}${errorOfKey}
local left, done = tonumber(ARGV[2]), {}
for i, key in ipairs(KEYS) do
  done[i] = false
  if left > 0 then
    local bytes = redis.call('MEMORY', 'USAGE', key)
    if not bytes then
      done[i] = {}
    else
      local hash = bytes <= tonumber(ARGV[1]) and redis.pcall('HGETALL', key)
      if not hash then
        local count = redis.pcall('HLEN', key)
        if type(count) == 'table' then return errorOfKey(count, i) end
        done[i] = {count .. ' ' .. bytes}
      elseif hash.err then
        return errorOfKey(hash, i)
      else
        done[i] = hash
        left = left - sizeOf(hash)
      end
    end
  end
end
return cmsgpack.pack(done)
`)
