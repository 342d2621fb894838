import { append } from '../../src/core/append.ts'
import { errorOfKey, script } from './link.ts'
import type { Call, Link } from './link.ts'
import { bucketCount, timeKeyLength } from './layout.ts'

/** A run of members of one bucket's index, all with the same beginning; then comes a time, then an id. */
export interface IndexRange {
  readonly bucket: number
  readonly prefix: string
  /** Bounds of what follows the prefix, both exclusive. */
  readonly above?: string | undefined
  readonly below?: string | undefined
}

export interface IndexEntry {
  readonly range: IndexRange
  /** As they stand in the member, behind the prefix: time key and escaped id. */
  readonly place: string
}

interface Source {
  range: IndexRange
  /** Read, and not taken. */
  places: readonly string[]
  isExhausted: boolean
}

/**
 * Members of several ranges. KEYS: the indexes. ARGV: the command, how many of each range, then for ranges with the same bounds the places of
 * their indexes, prefix and bounds ('' for none). Gives a text for each range: what comes behind the prefix, with NUL between, which
 * is in none.
 */
const rangesScript = script(`${errorOfKey}
local found, isDescending = {}, ARGV[1] == 'ZREVRANGEBYLEX'
for i = 3, #ARGV, 4 do
  local prefix, above, below = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local from = (above == '' and '[' or '(') .. prefix .. above
  -- 255 is in no UTF-8 text: it is behind everything that has the prefix.
  local to = '(' .. prefix .. (below == '' and '\\255' or below)
  if isDescending then from, to = to, from end
  for place in string.gmatch(ARGV[i], '%d+') do
    local members = redis.pcall(ARGV[1], KEYS[tonumber(place)], from, to, 'LIMIT', 0, ARGV[2])
    if members.err then return errorOfKey(members, place) end
    for n, member in ipairs(members) do members[n] = string.sub(member, #prefix + 1) end
    found[#found + 1] = table.concat(members, '\\0')
  end
end
return found
`)

/**
 * The last members of several ranges whose prefixes differ in their last letter alone, of each bucket: mostly some of them are empty, as statuses are, and a call costs more
 * than what it reads. KEYS: the indexes. ARGV: how many of each range, what the prefixes have in common, the prefixes, the last one first. Gives a text for each
 * bucket: whole members, those of one prefix after those of another, with two NUL between, which are in none.
 */
const lastScript = script(`${errorOfKey}
local most, common, found, byte = tonumber(ARGV[1]), ARGV[2], {}, string.byte
for i, key in ipairs(KEYS) do
  local kept, members, at = {}, nil, nil
  for n = 3, #ARGV do
    local prefix, letter = ARGV[n], byte(ARGV[n], -1)
    local from, isRead = at, false
    -- What was read for the prefix before may go on with this one, or end within it.
    repeat
      if not members or (at > #members and #members == most) then
        members = redis.pcall('ZREVRANGEBYLEX', key, '(' .. prefix .. '\\255', '[' .. common, 'LIMIT', 0, most)
        if members.err then return errorOfKey(members, i) end
        from, at, isRead = 1, 1, true
      end
      -- What lies between two of the prefixes is not wanted.
      while members[from] and byte(members[from], #prefix) > letter do from, at = from + 1, from + 1 end
      while members[at] and byte(members[at], #prefix) == letter do at = at + 1 end
    until isRead or at <= #members or #members < most or at - from == most
    for place = from, at - 1 do kept[#kept + 1] = members[place] end
  end
  found[i] = table.concat(kept, '\\0\\0')
end
return found
`)

/**
 * The members of many ranges in one order, read in portions: of each range no more is read than it is likely to give, so a page
 * costs about as much as its length, however long the ranges are.
 */
export class MergedRanges {
  readonly #link: Link
  readonly #keyOf: (bucket: number) => string
  readonly #isDescending: boolean
  readonly #isOrdered: boolean
  readonly #sources: readonly Source[]
  /** In order, before all that has not been read. */
  #ready: readonly IndexEntry[] = []

  /**
   * @param keyOf the index that a bucket's ranges are of
   * @param order of all; where any will do, nothing that was read has to wait for what other ranges have
   */
  constructor(
    link: Link,
    keyOf: (bucket: number) => string,
    ranges: readonly IndexRange[],
    order: 'ascending' | 'descending' | 'any',
  ) {
    this.#link = link
    this.#keyOf = keyOf
    this.#isDescending = order === 'descending'
    this.#isOrdered = order !== 'any'
    this.#sources = ranges.map((range) => ({ range, places: [], isExhausted: false }))
  }

  /** The next entries, up to `count`; fewer at the end. */
  async take(count: number): Promise<IndexEntry[]> {
    const portion = Math.min(count, Math.ceil(count / bucketCount) * 2 + 4)
    const taken: IndexEntry[] = []
    while (taken.length < count) {
      if (this.#ready.length === 0) {
        await this.#refill(portion)
        this.#ready = this.#isOrdered ? this.#certain() : this.#all()
        if (this.#ready.length === 0) break
      }
      const next = this.#ready.slice(0, count - taken.length)
      this.#ready = this.#ready.slice(next.length)
      append(taken, next)
    }
    return taken
  }

  /** Takes what was read. */
  #all(): IndexEntry[] {
    return this.#sources.flatMap((source) => {
      const { range, places } = source
      source.places = []
      return places.map((place) => ({ range, place }))
    })
  }

  /** Takes what comes before all that has not been read: nothing behind the last place of a range that has more. */
  #certain(): IndexEntry[] {
    const compare = this.#sources.some(({ places }) => places.some(isHigh)) ? compareBytes : compareUnits
    const order = this.#isDescending ? (one: string, other: string) => compare(other, one) : compare
    let bound: string | undefined
    for (const { places, isExhausted } of this.#sources) {
      if (isExhausted) continue
      const last = places.at(-1)!
      if (bound === undefined || order(last, bound) < 0) bound = last
    }
    const found: IndexEntry[] = []
    for (const source of this.#sources) {
      const { range, places } = source
      let count = places.length
      if (bound !== undefined) while (count > 0 && order(places[count - 1]!, bound) > 0) count--
      for (let at = 0; at < count; at++) found.push({ range, place: places[at]! })
      source.places = count === places.length ? [] : places.slice(count)
    }
    return found.sort((one, other) => order(one.place, other.place))
  }

  async #refill(portion: number): Promise<void> {
    const empty = this.#sources.filter(({ places, isExhausted }) => places.length === 0 && !isExhausted)
    if (empty.length === 0) return
    const prefixes = this.#isDescending ? prefixesAlike(empty) : undefined
    const calls = this.#link
      .bucketGroupsOf([...Map.groupBy(empty, ({ range }) => range.bucket)])
      .map((group) =>
        prefixes === undefined ? this.#callForRanges(group, portion) : this.#callForLast(group, portion, prefixes),
      )
    const replies = await this.#link.all(calls.map(({ call }) => call))
    for (const [index, { sources }] of calls.entries()) {
      const texts = replies[index] as readonly Buffer[]
      for (const [position, some] of sources.entries()) {
        const text = texts[position]!.toString()
        const members = text === '' ? [] : text.split(prefixes === undefined ? '\0' : '\0\0')
        if (prefixes === undefined) this.#put(some[0]!, members, portion)
        else this.#putByLetter(some, members, portion)
      }
    }
  }

  #callForRanges(group: Group, portion: number): CallForSources {
    // At first nearly all have the same bounds.
    const alike = [
      ...Map.groupBy(
        group.flatMap(([, some]) => some),
        ({ range }) => boundsOf(range).join('\0'),
      ).values(),
    ]
    const places = new Map(group.map(([bucket], place) => [bucket, place + 1]))
    const ranges = alike.flatMap((some) => [
      some.map(({ range }) => places.get(range.bucket)).join(','),
      ...boundsOf(some[0]!.range),
    ])
    const run = this.#isDescending ? 'ZREVRANGEBYLEX' : 'ZRANGEBYLEX'
    const keys = group.map(([bucket]) => this.#keyOf(bucket))
    return {
      call: { run: rangesScript, keys, args: [run, portion, ...ranges] },
      sources: alike.flat().map((source) => [source]),
    }
  }

  #callForLast(group: Group, portion: number, prefixes: readonly string[]): CallForSources {
    const sources = group.map(([, some]) => some)
    const args = [portion, prefixes[0]!.slice(0, -1), ...prefixes]
    return { call: { run: lastScript, keys: group.map(([bucket]) => this.#keyOf(bucket)), args }, sources }
  }

  /** Whole members of ranges whose prefixes differ in their last letter. */
  #putByLetter(sources: readonly Source[], members: readonly string[], portion: number): void {
    const { length } = sources[0]!.range.prefix
    const letters = sources.map(({ range }) => range.prefix.at(-1))
    const places = sources.map((): string[] => [])
    for (const member of members) places[letters.indexOf(member[length - 1])]!.push(member.slice(length))
    for (const [index, source] of sources.entries()) this.#put(source, places[index]!, portion)
  }

  #put(source: Source, places: readonly string[], portion: number): void {
    source.places = places
    source.isExhausted = places.length < portion
    const last = places.at(-1)
    if (last !== undefined)
      source.range = this.#isDescending ? { ...source.range, below: last } : { ...source.range, above: last }
  }
}

/** A bucket, and what is read of it. */
type Group = readonly (readonly [bucket: number, sources: readonly Source[]])[]

interface CallForSources {
  readonly call: Call
  /** Those that each text of its reply is about. */
  readonly sources: readonly (readonly Source[])[]
}

/** The prefixes of ranges without bounds that differ in their last letter alone, the last one first; undefined where that is not all that is to be read, of each bucket. */
function prefixesAlike(sources: readonly Source[]): readonly string[] | undefined {
  const prefixes = [...new Set(sources.map(({ range }) => range.prefix))].toSorted().toReversed()
  const common = prefixes[0]!.slice(0, -1)
  const buckets = new Set(sources.map(({ range }) => range.bucket))
  const areAlike =
    prefixes.length > 1 &&
    sources.length === prefixes.length * buckets.size &&
    prefixes.every((prefix) => prefix.length === common.length + 1 && prefix.startsWith(common)) &&
    sources.every(({ range: { above = '', below = '' } }) => above === '' && below === '')
  return areAlike ? prefixes : undefined
}

function boundsOf({ prefix, above = '', below = '' }: IndexRange): [prefix: string, above: string, below: string] {
  return [prefix, above, below]
}

/** From the surrogates on, the order of units is not that of bytes. */
function isHigh(place: string): boolean {
  return /[\ud800-\uffff]/.test(place)
}

function compareUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Compares texts as Redis does, by their bytes: JavaScript's order differs for what lies beyond U+FFFF. */
function compareBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let i = 0; i < length; i++) {
    const unit = one.charCodeAt(i)
    const otherUnit = other.charCodeAt(i)
    if (unit === otherUnit) continue
    const isSurrogate = (unit & 0xf800) === 0xd800
    return isSurrogate === ((otherUnit & 0xf800) === 0xd800) ? unit - otherUnit : isSurrogate ? 1 : -1
  }
  return one.length - other.length
}

/** Of some entries, the one that comes first. */
export function firstOf(entries: readonly IndexEntry[]): IndexEntry {
  return entries.reduce((first, one) => (compareBytes(one.place, first.place) < 0 ? one : first))
}

/** The index member of an entry. */
export function memberOf({ range, place }: IndexEntry): string {
  return range.prefix + place
}

/** The escaped id in an entry. */
export function idOf({ place }: IndexEntry): string {
  return place.slice(timeKeyLength)
}
