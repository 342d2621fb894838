import type { ReadyCandidate } from './ready-looks.ts'
import { idIn } from './bucket-heads.ts'
import type { BucketHead, Start } from './bucket-heads.ts'
import { unescapeText } from './layout.ts'

/** What members of work begin with. */
export interface Prefixes {
  readonly toGoOn: string
  readonly inTurn: string
}

/** False where the bucket may have more that comes first. */
export function addTo(firsts: Firsts, { graphs }: BucketHead, prefixes: readonly Prefixes[]): boolean {
  return graphs.every(({ toGoOn, inTurn }, at) => {
    const prefix = prefixes[at]!
    if (!firsts.add(toGoOn, prefix.toGoOn, undefined)) return false
    return inTurn!.every((start) => firsts.add(start, prefix.inTurn, start.key))
  })
}

/** One of the first ones, by its place. */
interface Placed {
  readonly place: string
  /** What its member begins with, but for its key. */
  readonly prefix: string
}

/** The first of several lists together, so many of each kind: of what is to go on, and of each key. */
export class Firsts {
  readonly #limit: number
  readonly #excepted: ReadonlySet<string>
  readonly #lists = new Map<string | undefined, Placed[]>()

  constructor(limit: number, excepted: ReadonlySet<string>) {
    this.#limit = limit
    this.#excepted = excepted
  }

  /** False where the list may have more that comes first. `key`: undefined for what is to go on. */
  add({ places, isCut }: Start, prefix: string, key: string | undefined): boolean {
    if (isCut && places.length - this.#excepted.size < this.#limit) return false
    if (places.length === 0) return true
    const list = this.#lists.get(key) ?? []
    this.#lists.set(key, list)
    for (const place of places) {
      if (list.length === this.#limit && place >= list.at(-1)!.place) break
      if (this.#excepted.size > 0 && this.#excepted.has(unescapeText(idIn(place, key)))) continue
      const at = list.findLastIndex((one) => one.place < place) + 1
      list.splice(at, 0, { place, prefix })
      if (list.length > this.#limit) list.pop()
    }
    return true
  }

  all(): readonly ReadyCandidate[] {
    return [...this.#lists].flatMap(([key, list]) =>
      list.map(({ place, prefix }) => {
        const member = prefix + (key === undefined ? '' : `${key}\0`) + place
        return { id: unescapeText(idIn(place, key)), owner: '', member, ...turnOf(key), age: place }
      }),
    )
  }
}

function turnOf(key: string | undefined): Pick<ReadyCandidate, 'key' | 'priority' | 'isNew'> {
  return { key: key ?? '', priority: 0, isNew: key !== undefined }
}
