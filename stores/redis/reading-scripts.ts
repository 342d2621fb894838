import { headFields } from './head-record.ts'
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

/**
 * Which executions are wanted. KEYS: the hashes. ARGV: graph and code of the error as they stand in hashes, each '' for any; how many beginnings of members
 * the lineage is to have, and these; then those of which it is to have none. Gives a text with a letter for each: its status, or '-' for one that is gone or not wanted, or
 * '?' for one that can't be read.
 */
export const wantedScript = script(`
local graph, code, has = ARGV[1], ARGV[2], tonumber(ARGV[3])
local function isWanted(h)
  if graph ~= '' and h[2] ~= graph or code ~= '' and h[4] ~= code then return false end
  local lineage = '\\0' .. (h[3] or '')
  for n = 4, #ARGV do
    local isThere = string.find(lineage, '\\0' .. ARGV[n], 1, true) ~= nil
    if isThere ~= (n < 4 + has) then return false end
  end
  return true
end
local letters = {}
for i, key in ipairs(KEYS) do
  local h = redis.pcall('HMGET', key, 's', 'g', 'c', 'p')
  letters[i] = h.err and '?' or (h[1] and isWanted(h) and h[1]) or '-'
end
return table.concat(letters)
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
