import type { DocketContext } from '../context/docket-context.ts'
import { emitScheduleEvent } from './emit-schedule-event.ts'
import { runIdOf } from './nominal-times.ts'

const pageSize = 200

/** Reports schedules of this docket's graphs that were declared with a docket once, and with this one no more. @throws StoreError */
export async function reportVanished(context: DocketContext, declared: ReadonlySet<string>): Promise<void> {
  const { store } = context.connection
  for (const graph of context.storedGraphNames) {
    for (let after: string | undefined; ;) {
      const page = await store.listSchedules({ graph, after, limit: pageSize })
      for (const record of page) {
        const { name, rule, nextAt, lastAt, createdAt } = record
        if (rule.isInCode === true && !declared.has(name))
          emitScheduleEvent(context, record, runIdOf(name, nextAt ?? lastAt ?? createdAt), {
            type: 'schedule.vanished',
          })
      }
      if (page.length < pageSize) break
      after = page.at(-1)!.name
    }
  }
}
