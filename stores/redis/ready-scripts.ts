import { errorOfKey, script } from './link.ts'

/**
 * For scripts that change what is ready in a bucket, or add an owner there: counts the changes, so that whoever has read it before knows whether it is still so. A
 * count that was lost begins where no earlier one has been. Gives the count.
 */
export const noteChange = `
local function noteChange(changes)
  local count = redis.pcall('INCR', changes)
  if count == 1 then
    local t = redis.call('TIME')
    count = t[1] * 1000000 + t[2]
    redis.call('SET', changes, string.format('%d', count))
  end
  return type(count) == 'number' and string.format('%d', count) or ''
end
`

/**
 * For scripts that read the first of what is ready in buckets. KEYS, behind so many others: the work of each bucket, then of each its count of changes. ARGV, from a place on: how many of each list, how many keys at most, the counts that
 * are known with commas between ('-' for none), then queue and graph as they stand in members. Gives of each bucket whose count is another a list: which of them it is, from 1 on; the count; the owners, with
 * NUL between; then for each graph the times at which the first ones are due that have begun, and that have not; the places of what is to go on; the number of keys of what is to
 * begin, and the keys, each with its places, or -1 alone for too many. Or an error.
 */
export const changedHeads = `${errorOfKey}
local function range(work, from, to, count) return redis.call('ZRANGEBYLEX', work, from, to, 'LIMIT', 0, count) end
local function firstTime(work, prefix)
  local member = range(work, '[' .. prefix, '(' .. prefix .. '\\255', 1)[1]
  return member and string.sub(member, #prefix + 1, #prefix + 16) or ''
end
local function withoutPrefix(members, prefix)
  for n, member in ipairs(members) do members[n] = string.sub(member, #prefix + 1) end
  return table.concat(members, '\\0')
end
local function putKeys(head, work, prefix, most, mostKeys)
  local at, count, low = #head + 1, 0, '[' .. prefix
  head[at] = '0'
  while true do
    local members = range(work, low, '(' .. prefix .. '\\255', most)
    if not members[1] then break end
    count = count + 1
    if count > mostKeys then
      for n = #head, at + 1, -1 do head[n] = nil end
      count = -1
      break
    end
    local key = string.match(string.sub(members[1], #prefix + 1), '^[^%z]*')
    local own, isLast = prefix .. key .. '\\0', #members < most
    for n = 1, #members do
      if string.sub(members[n], 1, #own) ~= own then
        members[n] = nil
        isLast = false
      end
    end
    head[#head + 1] = key .. '\\0' .. withoutPrefix(members, own)
    if isLast then break end
    low = '(' .. own .. '\\255'
  end
  head[at] = tostring(count)
end
local function headOf(i, work, changes, a)
  local notes = redis.pcall('ZRANGEBYLEX', work, '[o', '(p')
  if notes.err then return notes end
  local head = {i, changes, withoutPrefix(notes, 'o')}
  local most, mostKeys = tonumber(ARGV[a]), tonumber(ARGV[a + 1])
  for n = a + 3, #ARGV do
    local place = ARGV[n]
    head[#head + 1] = firstTime(work, 'd' .. place)
    head[#head + 1] = firstTime(work, 'a' .. place)
    head[#head + 1] = withoutPrefix(range(work, '[v' .. place, '(v' .. place .. '\\255', most), 'v' .. place)
    putKeys(head, work, 'n' .. place, most, mostKeys)
  end
  return head
end
local function changedHeads(before, buckets, a)
  local counts, found, i = redis.call('MGET', unpack(KEYS, before + buckets + 1, before + 2 * buckets)), {}, 0
  -- Where one has no count, that is no list of texts.
  local isList, all = pcall(table.concat, counts, ',')
  if isList and all == ARGV[a + 2] then return found end
  for known in string.gmatch(ARGV[a + 2], '[^,]+') do
    i = i + 1
    local changes = counts[i] or '0'
    if changes ~= known then
      local head = headOf(i, KEYS[before + i], changes, a)
      if head.err then return errorOfKey(head, before + i) end
      found[#found + 1] = head
    end
  end
  return found
end
`

/** The same alone. */
export const headsScript = script(`${changedHeads}
return changedHeads(0, #KEYS / 2, 1)
`)
