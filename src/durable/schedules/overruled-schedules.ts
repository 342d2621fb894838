import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { CheckedSchedule } from './check-schedule.ts'
import type { Declared } from './declare-schedule.ts'
import { emitScheduleEvent } from './emit-schedule-event.ts'
import { runIdOf } from './nominal-times.ts'

const portionSize = 200
const pauseMs = 30_000

/** Looks now and then whether the schedules that a docket was given are still as it has declared them. */
export class OverruledSchedules {
  readonly #context: DocketContext
  readonly #given: ReadonlySet<string>
  readonly #declared = new Map<string, { readonly schedule: CheckedSchedule; readonly digest: string }>()
  #dueAt = -Infinity

  /** @param given the names of those that the docket was given */
  constructor(context: DocketContext, given: ReadonlySet<string>) {
    this.#context = context
    this.#given = given
  }

  /** One was declared by this docket, as it was given or by a call: it is there like that, or otherwise. */
  declared(schedule: CheckedSchedule, { record, digest }: Declared): void {
    const { name } = schedule
    if (!this.#given.has(name)) return
    // What holds against it may be another declaration of this docket.
    if (this.#declared.get(name)?.digest !== record.digest) this.#declared.set(name, { schedule, digest })
    this.#compare(record)
  }

  /** Looks, where it is time to. @throws StoreError */
  async look(): Promise<void> {
    const { clock, connection } = this.#context
    if (this.#declared.size === 0 || clock.elapsed() < this.#dueAt) return
    this.#dueAt = clock.elapsed() + pauseMs
    const { store } = connection
    const names = [...this.#declared.keys()]
    for (let from = 0; from < names.length; from += portionSize) {
      const some = names.slice(from, from + portionSize)
      const records = allAnswers(store, 'getSchedules', some, await store.getSchedules(some))
      // One that was deleted is there no more on purpose.
      for (const record of records) if (record !== undefined) this.#compare(record)
    }
  }

  #compare(record: ScheduleRecord): void {
    const { name, rule, digest, nextAt, lastAt, createdAt } = record
    const own = this.#declared.get(name)
    if (own === undefined) return
    const { overruled } = this.#context
    if (own.digest === digest) return overruled.forget(aboutOf(name))
    const { version = 0 } = own.schedule.rule
    const by = rule.version ?? 0
    const how = by > version ? `in version ${by}` : 'since'
    const message = `schedule ${JSON.stringify(name)}: another process has declared it otherwise ${how}, and that holds`
    if (overruled.note(aboutOf(name), message))
      emitScheduleEvent(this.#context, record, runIdOf(name, nextAt ?? lastAt ?? createdAt), {
        type: 'schedule.overruled',
        version,
        by,
      })
  }
}

function aboutOf(name: string): string {
  return `schedule ${name}`
}
