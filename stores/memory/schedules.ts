import type { ScheduleQuery, ScheduleRecord, ScheduleTaking } from '../../src/core/contracts/schedule-record.ts'

interface Due {
  readonly dueAt: number
  readonly name: string
}

/** Schedules, in memory: by name, and of each graph those that are to be looked at, the earliest first. */
export class MemorySchedules {
  readonly #byName = new Map<string, ScheduleRecord>()
  readonly #due = new Map<string, Due[]>()

  /** @returns the record that is there then */
  add(schedule: ScheduleRecord): ScheduleRecord {
    const known = this.#byName.get(schedule.name)
    if (known === undefined) this.#put(schedule)
    return known ?? schedule
  }

  change(schedule: ScheduleRecord): boolean {
    const known = this.#byName.get(schedule.name)
    if (known?.revision === schedule.revision && known.write === schedule.write) return true
    if (known === undefined || known.revision !== schedule.revision - 1) return false
    this.#put(schedule)
    return true
  }

  get(name: string): ScheduleRecord | undefined {
    return this.#byName.get(name)
  }

  list({ graph, after, limit }: ScheduleQuery): ScheduleRecord[] {
    return [...this.#byName.values()]
      .filter((one) => (graph === undefined || one.graph === graph) && (after === undefined || one.name > after))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .slice(0, limit)
  }

  next(graphs: readonly string[]): number | undefined {
    let next: number | undefined
    for (const graph of graphs) {
      const first = this.#due.get(graph)?.[0]
      if (first !== undefined && first.dueAt < (next ?? Infinity)) next = first.dueAt
    }
    return next
  }

  take({ graphs, before, until, limit }: ScheduleTaking): ScheduleRecord[] {
    const due = [...new Set(graphs)].flatMap((graph) => {
      const all = this.#due.get(graph) ?? []
      return all.slice(0, Math.min(limit, placeIn(all, before, true)))
    })
    const taken = due.toSorted((one, other) => one.dueAt - other.dueAt).slice(0, Math.max(limit, 0))
    return taken.map(({ name }) => this.#put({ ...this.#byName.get(name)!, dueAt: until }))
  }

  delete(name: string): boolean {
    this.#takeOff(this.#byName.get(name))
    return this.#byName.delete(name)
  }

  #put(schedule: ScheduleRecord): ScheduleRecord {
    const { name, graph, dueAt } = schedule
    this.#takeOff(this.#byName.get(name))
    this.#byName.set(name, schedule)
    if (dueAt !== undefined) {
      const all = this.#due.get(graph) ?? []
      this.#due.set(graph, all)
      all.splice(placeIn(all, dueAt, true), 0, { dueAt, name })
    }
    return schedule
  }

  #takeOff(schedule: ScheduleRecord | undefined): void {
    if (schedule?.dueAt === undefined) return
    const all = this.#due.get(schedule.graph)!
    let place = placeIn(all, schedule.dueAt, false)
    while (all[place]!.name !== schedule.name) place++
    all.splice(place, 1)
    if (all.length === 0) this.#due.delete(schedule.graph)
  }
}

/** How many are due before a time, or at it too. */
function placeIn(due: readonly Due[], time: number, andThen: boolean): number {
  let low = 0
  let high = due.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const { dueAt } = due[middle]!
    if (dueAt < time || (andThen && dueAt === time)) low = middle + 1
    else high = middle
  }
  return low
}
