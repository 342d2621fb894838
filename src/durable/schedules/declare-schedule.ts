import { OptionError } from '../../core/errors.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ScheduleRecord, ScheduleRule } from '../../core/contracts/schedule-record.ts'
import type { ValueIdentity } from '../../core/values/value-encoding.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { withDrawnArgs } from '../../runtime/inputs/drawn-args.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { executionRequest } from '../start/execution-request.ts'
import { calendarOf } from './calendar.ts'
import type { CheckedSchedule } from './check-schedule.ts'
import { dueTimeOf, runIdOf } from './nominal-times.ts'
import { changeSchedule, readSchedule } from './schedule-access.ts'

/** What a declaration has come to. */
export interface Declared {
  /** What is there then. */
  readonly record: ScheduleRecord
  /** The digest of what was declared; that of the record is another one where a higher version holds. */
  readonly digest: string
}

/**
 * Makes sure that a schedule is there as it is declared. One that is, unchanged, stays as it is, and so does one of a higher version; one whose times are the same keeps the time that comes next.
 * @throws OptionError, InputError, GraphError, SerializationError, StoreError
 */
export async function declareSchedule(context: DocketContext, schedule: CheckedSchedule): Promise<Declared> {
  const { name, graph, target, rule } = schedule
  const { connection, clock } = context
  const { encoding } = connection
  context.requireOpen()
  const { drawing } = requireIndex(context.requireGraph(graph))
  if (drawing !== undefined) context.drawn.keep(graph.name)
  const inputs = withDrawnArgs(graph, target, schedule.inputs)
  // Whoever starts its executions may have nothing of a workflow but its steps.
  const stored = drawing === undefined ? inputs : { ...(inputs as object), $drawing: drawing }
  await connection.readyBy()
  const calendar = calendarOf(rule)
  const after = (record: ScheduleRecord | undefined): number =>
    Math.max(clock.now(), record === undefined ? -Infinity : (record.lastAt ?? -Infinity))
  // As the executions will be checked: what is wrong is said now.
  const example = calendar.next(clock.now()) ?? clock.now()
  const given = runInputsOf(rule, inputs, example)
  const request = executionRequest(context, graph, target, given, { ...rule.start, id: runIdOf(name, example) })
  await request.newRecord(undefined)
  const declared = encoding.resultKey(digest(canonicalize(['schedule', graph.name, target.name, stored, rule])))
  const head = { name, graph: graph.name, target: target.name, rule, digest: declared }
  for (let known = await readSchedule(context, name); ;) {
    if (known !== undefined && (known.digest === declared || (known.rule.version ?? 0) > (rule.version ?? 0)))
      return { record: known, digest: declared }
    const keepsTime = known !== undefined && timingOf(known.rule) === timingOf(rule)
    const nextAt = keepsTime ? known!.nextAt : calendar.next(after(known))
    if (nextAt === undefined && !keepsTime)
      throw new OptionError(`schedule ${JSON.stringify(name)}: no nominal time is to come: at, or endAt, is over`)
    const now = clock.now()
    const isPaused = known?.pausedAt !== undefined
    const record: ScheduleRecord = {
      ...(known ?? untouched),
      ...head,
      inputs: await encoding.encode(stored, identityOf(name)),
      nextAt,
      dueAt: nextAt === undefined || isPaused ? undefined : dueTimeOf(head, nextAt),
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
      // One that was deleted may still be written by whoever was at it: no revision of it is as high.
      revision: (known?.revision ?? Math.floor(now)) + 1,
      write: randomId(context.options.random),
    }
    if (known === undefined) {
      const [there] = await connection.patiently(async () =>
        allAnswers(connection.store, 'addSchedules', [record], await connection.store.addSchedules([record])),
      )
      if (there!.write === record.write) return { record, digest: declared }
      known = there
    } else {
      if (await changeSchedule(context, record)) return { record, digest: declared }
      known = await readSchedule(context, name)
    }
  }
}

/** What an execution is given for a nominal time. */
export function runInputsOf({ nominalTime }: ScheduleRule, inputs: unknown, time: number): unknown {
  if (nominalTime === undefined || !isRecord(inputs)) return inputs
  return { ...inputs, [nominalTime]: new Date(time) }
}

/** Where the inputs of a schedule are: none can be moved to another one. */
export function identityOf(schedule: string): ValueIdentity {
  return ['schedule', schedule, 'inputs']
}

const untouched = {
  pausedAt: undefined,
  note: undefined,
  lastAt: undefined,
  bufferedAt: undefined,
  started: 0,
  skipped: 0,
  missed: 0,
  failures: 0,
  runs: [],
} as const

function timingOf({ cron, everyMs, at, timeZone, startAt, endAt }: ScheduleRule): string {
  return JSON.stringify([cron, everyMs, at, timeZone, startAt, endAt])
}
