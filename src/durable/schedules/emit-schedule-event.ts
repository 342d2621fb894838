import type { ScheduleEvent } from '../../core/contracts/schedule-events.ts'
import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { deliverEvent } from '../../runtime/execution/event-delivery.ts'
import type { DocketContext } from '../context/docket-context.ts'

type Own<Event> = Event extends ScheduleEvent
  ? Omit<Event, 'seq' | 'at' | 'executionId' | 'graph' | 'target' | 'schedule'>
  : never

/** Reports what has happened to a schedule, to the observers of the docket and of the graph. */
export function emitScheduleEvent(
  context: DocketContext,
  { name, graph, target }: Pick<ScheduleRecord, 'name' | 'graph' | 'target'>,
  executionId: string,
  event: Own<ScheduleEvent>,
): void {
  const observers = [...(context.graphOf(graph)?.observers ?? []), ...context.observers.of(executionId)]
  if (observers.length === 0) return
  const about = { seq: 0, at: context.clock.now(), executionId, graph, target, schedule: name }
  const whole = { ...event, ...about } as ScheduleEvent
  for (const observer of observers) deliverEvent(observer, whole)
}
