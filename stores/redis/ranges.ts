import type { Link } from './link.ts'
import type { Layout } from './layout.ts'
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
  readonly member: string
  /** As they stand in the member: time key and escaped id. */
  readonly place: string
}

interface Source {
  range: IndexRange
  entries: IndexEntry[]
  isExhausted: boolean
}

/**
 * The members of many ranges in one order, read in portions: of each range no more is read than it is likely to give, so a page
 * costs about as much as its length, however long the ranges are.
 */
export class MergedRanges {
  readonly #link: Link
  readonly #layout: Layout
  readonly #isDescending: boolean
  readonly #sources: Source[]

  constructor(link: Link, layout: Layout, ranges: readonly IndexRange[], order: 'ascending' | 'descending') {
    this.#link = link
    this.#layout = layout
    this.#isDescending = order === 'descending'
    this.#sources = ranges.map((range) => ({ range, entries: [], isExhausted: false }))
  }

  /** The next entries, up to `count`; fewer at the end. */
  async take(count: number): Promise<IndexEntry[]> {
    const portion = Math.min(count, Math.ceil(count / bucketCount) * 2 + 4)
    const taken: IndexEntry[] = []
    while (taken.length < count) {
      await this.#refill(portion)
      // Until one source is empty it is known which entry comes next.
      const live = this.#sources.filter((source) => source.entries.length > 0)
      if (live.length === 0) break
      this.#mergeInto(taken, live, count)
    }
    return taken
  }

  #mergeInto(taken: IndexEntry[], live: Source[], count: number): void {
    const ahead = live.map((source) => ({ source, at: 0 }))
    while (taken.length < count) {
      let best = ahead[0]!
      for (const one of ahead) if (this.#comesFirst(one, best)) best = one
      taken.push(best.source.entries[best.at++]!)
      if (best.at < best.source.entries.length) continue
      if (!best.source.isExhausted) break
      ahead.splice(ahead.indexOf(best), 1)
      best.source.entries = []
      if (ahead.length === 0) return
    }
    for (const { source, at } of ahead) source.entries = source.entries.slice(at)
  }

  #comesFirst(one: { source: Source; at: number }, other: { source: Source; at: number }): boolean {
    const place = one.source.entries[one.at]!.place
    const otherPlace = other.source.entries[other.at]!.place
    return compareBytes(place, otherPlace) < 0 !== this.#isDescending && place !== otherPlace
  }

  async #refill(portion: number): Promise<void> {
    const empty = this.#sources.filter(({ entries, isExhausted }) => entries.length === 0 && !isExhausted)
    if (empty.length === 0) return
    const replies = await this.#link.all(
      empty.map(({ range: { bucket, prefix, above, below } }) => {
        const min = above === undefined ? `[${prefix}` : `(${prefix}${above}`
        // 0xff is in no UTF-8 text: it is behind everything that has the prefix.
        const max =
          below === undefined ? Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)]) : `(${prefix}${below}`
        return this.#isDescending
          ? { run: 'zrevrangebylex', keys: [this.#layout.index(bucket)], args: [max, min, 'LIMIT', 0, portion] }
          : { run: 'zrangebylex', keys: [this.#layout.index(bucket)], args: [min, max, 'LIMIT', 0, portion] }
      }),
    )
    for (const [index, source] of empty.entries()) {
      const { range } = source
      const members = (replies[index] as Buffer[]).map(String)
      source.entries = members.map((member) => ({ range, member, place: member.slice(range.prefix.length) }))
      source.isExhausted = members.length < portion
      const last = source.entries.at(-1)
      if (last !== undefined)
        source.range = this.#isDescending ? { ...range, below: last.place } : { ...range, above: last.place }
    }
  }
}

/** Compares texts as Redis does, by their bytes: JavaScript's order differs for what lies beyond U+FFFF. */
function compareBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let i = 0; i < length; i++) {
    const unit = one.charCodeAt(i)
    const otherUnit = other.charCodeAt(i)
    if (unit === otherUnit) continue
    const isHigh = (unit & 0xf800) === 0xd800
    return isHigh === ((otherUnit & 0xf800) === 0xd800) ? unit - otherUnit : isHigh ? 1 : -1
  }
  return one.length - other.length
}

/** The escaped id in an entry. */
export function idOf({ place }: IndexEntry): string {
  return place.slice(timeKeyLength)
}
