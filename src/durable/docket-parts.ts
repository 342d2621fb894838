import { checkEmit, emitEvent } from './mail/emit-event.ts'
import { BackgroundLoop } from './background-loop.ts'
import { cancelExecution } from './cancel-execution.ts'
import { ChildExecutions } from './child-executions.ts'
import type { DocketContext } from './context/docket-context.ts'
import { HealthCheck } from './docket-health.ts'
import { EngineWork } from './engine/engine-work.ts'
import { deleteExecution, undoUnowned } from './delete-execution.ts'
import { Delivery } from './mail/delivery.ts'
import { EventDelivery } from './mail/event-delivery.ts'
import { Mailbox } from './mail/mailbox.ts'
import { Permits } from './recovery/permits.ts'
import { LostHere } from './recovery/lost-here.ts'
import { Reopening } from './recovery/reopen.ts'
import { Resumption } from './recovery/resume.ts'
import { Scan } from './recovery/scan.ts'
import { cancelForParkedCallers } from './recovery/unowned.ts'
import { EphemeralExecutions } from './start/ephemeral-executions.ts'
import type { CheckedSchedule } from './schedules/check-schedule.ts'
import { Firing } from './schedules/firing.ts'
import { ScheduleLoop } from './schedules/schedule-loop.ts'
import { Schedules } from './schedules/schedules.ts'
import { ExecutionStarter } from './start/start-execution.ts'
import { Upkeep } from './upkeep.ts'

/** What a docket is made of, over what all of it shares. */
export interface DocketParts {
  readonly resumption: Resumption
  readonly reopening: Reopening
  readonly scan: Scan
  readonly starter: ExecutionStarter
  readonly ephemeral: EphemeralExecutions
  readonly delivery: Delivery
  readonly loop: BackgroundLoop
  readonly health: HealthCheck
  readonly schedules: Schedules
  readonly scheduleLoop: ScheduleLoop
  /** Undefined where there is none. */
  readonly engine: EngineWork | undefined
}

/** Why a run is cancelled that is in the way of the next one. */
const laterRun = 'its schedule starts a later run, and has overlap: cancelOther'

/** Makes the parts of a docket, connects those that need each other, and lets them work. */
export function docketParts(context: DocketContext, declared: readonly CheckedSchedule[] | undefined): DocketParts {
  const resumption = new Resumption(context)
  const reopening = new Reopening(context, resumption)
  const scan = new Scan(context, resumption)
  const starter = new ExecutionStarter(context, { resumption, reopening, scan })
  const children = new ChildExecutions(context, starter, {
    remove: (id) => deleteExecution(context, resumption, id, undefined, 'parent'),
    undo: (id) => undoUnowned(context, resumption, id),
  })
  context.setup.children = children
  context.setup.emit = (type, key, value, emission) => {
    checkEmit(type, key, {})
    return emitEvent(context, type, key, value, {}, emission)
  }
  context.cancel = (id, reason) => cancelExecution(context, id, reason, 'call')
  context.childEnded = (parent, message) => children.ended(parent, message)
  context.hasOnRecord = (message) => children.hasOnRecord(message)
  const delivery = new Delivery(context)
  context.deliver = (entries) => delivery.send(entries)
  const eventDelivery = new EventDelivery(context)
  context.deliverEvents = () => eventDelivery.soon()
  const engine = engineWork(context, scan)
  const takesOver = context.options.takeOver !== false
  const lostHere = takesOver ? undefined : new LostHere(context, resumption, scan)
  if (lostHere !== undefined) context.onLost = (ones) => lostHere.note(ones)
  const loop = new BackgroundLoop(context, {
    engine,
    scan: takesOver ? scan : undefined,
    lostHere,
    mailbox: new Mailbox(context, reopening),
    delivery,
    eventDelivery,
    upkeep: new Upkeep(context),
  })
  const cancel = (id: string): Promise<void> => cancelExecution(context, id, laterRun, 'call')
  const scheduleLoop = new ScheduleLoop(context, new Firing(context, starter, cancel), declared)
  const schedules = new Schedules(context, starter, {
    cancel,
    onChanged: () => scheduleLoop.soon(),
    onDeclared: (schedule, declared) => scheduleLoop.declared(schedule, declared),
  })
  cancelForParkedCallers(context)
  loop.start()
  engine?.start()
  scheduleLoop.start()
  const ephemeral = new EphemeralExecutions(context)
  const health = new HealthCheck(context, loop, engine)
  return { resumption, reopening, scan, starter, ephemeral, delivery, loop, health, schedules, scheduleLoop, engine }
}

function engineWork(context: DocketContext, scan: Scan): EngineWork | undefined {
  const { engine, takeOver } = context.options
  if (engine === undefined) return undefined
  const permits = new Permits(context, (queue) => scan.queue(queue))
  return new EngineWork(context, engine, permits, takeOver === false ? new Map<string, number>() : scan.served)
}
