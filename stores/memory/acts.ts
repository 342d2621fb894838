import type { ActQuery, ActRecord } from '../../src/core/contracts/act-record.ts'

/** What people did, in memory. */
export class MemoryActs {
  readonly #acts = new Map<string, ActRecord>()

  add(acts: readonly ActRecord[]): void {
    for (const act of acts) if (!this.#acts.has(act.id)) this.#acts.set(act.id, act)
  }

  list({ execution, after, limit }: ActQuery): ActRecord[] {
    return [...this.#acts.values()]
      .filter((act) => execution === undefined || act.execution === execution)
      .filter((act) => after === undefined || newestFirst(after, act) < 0)
      .toSorted(newestFirst)
      .slice(0, limit)
  }

  purge(before: number, limit: number): number {
    const old = [...this.#acts.values()].filter(({ at }) => at < before).slice(0, limit)
    for (const { id } of old) this.#acts.delete(id)
    return old.length
  }
}

type Place = Pick<ActRecord, 'at' | 'id'>

function newestFirst(one: Place, other: Place): number {
  return other.at - one.at || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0)
}
