import { copyOf } from '../../core/values/copy.ts'
import type { PersistSpec } from '../../core/graph/graph-index.ts'
import { LruMap } from '../collections/lru-map.ts'

interface Entry {
  readonly value: unknown
  readonly madeAt: number
  readonly expiresAt: number
}

/**
 * Results kept in this process: for each family (one step of one namespace in one version) the most recently used ones, up
 * to the step's capacity. What goes in and what comes out are copies: nobody can change what is kept.
 */
export class ResultCache {
  readonly #families = new Map<string, LruMap<Entry>>()

  /** A copy of the value kept under the key, if it holds. */
  get(persist: Pick<PersistSpec, 'family'>, key: string, now: number): { readonly value: unknown } | undefined {
    const family = this.#families.get(persist.family)
    const entry = family?.get(key)
    if (entry === undefined) return undefined
    if (holds(entry, now)) return { value: copyOf(entry.value) }
    family!.delete(key)
    return undefined
  }

  /** As `get`, but looking is no use: it leaves the order of dropping as it is. */
  peek(persist: Pick<PersistSpec, 'family'>, key: string, now: number): { readonly value: unknown } | undefined {
    const entry = this.#families.get(persist.family)?.peek(key)
    return entry === undefined || !holds(entry, now) ? undefined : { value: copyOf(entry.value) }
  }

  delete(persist: Pick<PersistSpec, 'family'>, key: string): void {
    this.#families.get(persist.family)?.delete(key)
  }

  /** Keeps a copy. @throws SerializationError when the value can't be copied faithfully */
  set(persist: PersistSpec, key: string, value: unknown, now: number): void {
    const entry = {
      value: copyOf(value),
      madeAt: now,
      expiresAt: persist.ttlMs === undefined ? Infinity : now + persist.ttlMs,
    }
    let family = this.#families.get(persist.family)
    if (family === undefined) this.#families.set(persist.family, (family = new LruMap()))
    family.set(key, entry, persist.capacity)
  }
}

/** It may have been made under another clock, a test's for instance: what is from the future has no known age. */
function holds({ madeAt, expiresAt }: Entry, now: number): boolean {
  return expiresAt === Infinity || (madeAt <= now && now < expiresAt)
}

/** What is remembered in this process beyond one batch. */
export const processCache = new ResultCache()
