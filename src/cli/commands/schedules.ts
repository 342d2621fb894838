import type { Docket, ScheduleInfo } from '../../index.ts'
import { didYouMean } from '../../core/closest-name.ts'
import { durationText } from '../../core/duration.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { confirm } from '../confirm.ts'
import { isoOf } from '../json-value.ts'
import { jsonLine, plain } from '../plain-text.ts'
import { onRecord } from '../record-act.ts'

/** `docket schedules list`: what is started by the clock. */
export async function listSchedules(call: CliCall): Promise<ExitCode> {
  const graph = call.text('graph')
  return call.withDocket('look', async (docket) => {
    const { printer } = call
    const found: ScheduleInfo[] = []
    for (let after: string | undefined; ;) {
      const page = await docket.schedules.list({ ...(graph !== undefined && { graph }), limit: 200, after })
      for (const schedule of page.schedules)
        if (printer.isJson) printer.line(jsonLine(scheduleJson(schedule)))
        else found.push(schedule)
      if (page.next === undefined) break
      after = page.next
    }
    if (printer.isJson) return exitCodes.done
    const head = ['NAME', 'STATE', 'GRAPH', 'TARGET', 'WHEN', 'NEXT', 'LAST']
    const rows = found.map((one) => [
      one.name,
      one.pausedAt === undefined ? 'active' : `paused${one.note === undefined ? '' : `: ${one.note}`}`,
      one.graph,
      one.target,
      cadenceOf(one),
      isoOf(one.nextAt) ?? '',
      isoOf(one.lastAt) ?? '',
    ])
    for (const line of printer.table(head, rows)) printer.line(line)
    return exitCodes.done
  })
}

/** `docket schedules pause`. */
export function pauseSchedule(call: CliCall): Promise<ExitCode> {
  return change(call, 'pause', (docket, name) => docket.schedules.pause(name, call.text('note')))
}

/** `docket schedules resume`. */
export function resumeSchedule(call: CliCall): Promise<ExitCode> {
  return change(call, 'resume', (docket, name) => docket.schedules.resume(name))
}

/** `docket schedules trigger`: starts an execution now. */
export async function triggerSchedule(call: CliCall): Promise<ExitCode> {
  return onSchedule(call, 'trigger', undefined, async (docket, name) => {
    const id = await docket.schedules.trigger(name)
    call.printer.result({ name, id }, () => plain(id, 2_000))
  })
}

/** `docket schedules backfill`: starts executions for nominal times in the past that have none. */
export async function backfillSchedule(call: CliCall): Promise<ExitCode> {
  const {
    from,
    to = new Date(),
    overlap,
  } = call.options as {
    readonly from?: Date
    readonly to?: Date
    readonly overlap?: never
  }
  if (from === undefined) throw new CliError(exitCodes.usage, '--from <time> says which nominal time is the first')
  const question = (name: string): string =>
    `start what schedule "${plain(name)}" has missed from ${from.toISOString()} to ${to.toISOString()}?`
  return onSchedule(call, 'backfill', question, async (docket, name) => {
    const made = await docket.schedules.backfill(name, { from, to, ...(overlap !== undefined && { overlap }) })
    const { started, existing, skipped } = made
    call.printer.result({ name, ...made }, () => `${started} started, ${existing} were there, ${skipped} skipped`)
  })
}

/** `docket schedules delete`: what it has started goes on. */
export async function deleteSchedule(call: CliCall): Promise<ExitCode> {
  return onSchedule(call, 'delete', questionOfDeletion, async (docket, name) => {
    await docket.schedules.delete(name)
    call.printer.result({ name, outcome: 'deleted' }, () => `${plain(name)}  deleted`)
  })
}

function questionOfDeletion(name: string): string {
  return `delete schedule "${plain(name)}"? What it has started goes on.`
}

function change(
  call: CliCall,
  verb: string,
  act: (docket: Docket, name: string) => Promise<ScheduleInfo>,
): Promise<ExitCode> {
  return onSchedule(call, verb, undefined, async (docket, name) => {
    const schedule = await act(docket, name)
    const next = schedule.nextAt === undefined ? '' : `, next at ${schedule.nextAt.toISOString()}`
    call.printer.result(
      scheduleJson(schedule),
      () => `${plain(name)}  ${schedule.pausedAt === undefined ? `active${next}` : 'paused'}`,
    )
  })
}

/** @throws CliError where there is no schedule of the name */
async function onSchedule(
  call: CliCall,
  verb: string,
  question: ((name: string) => string) | undefined,
  act: (docket: Docket, name: string) => Promise<void>,
): Promise<ExitCode> {
  const [name = ''] = call.args
  return call.withDocket('act', async (docket) => {
    if ((await docket.schedules.get(name)) === undefined) {
      const { schedules } = await docket.schedules.list({ limit: 200 })
      const hint = didYouMean(
        name,
        schedules.map((one) => one.name),
      )
      throw new CliError(exitCodes.notFound, `there is no schedule "${name}"${hint}`)
    }
    if (question !== undefined) await confirm(call, question(name))
    await onRecord(docket, { act: `${verb}Schedule`, note: name }, () => act(docket, name))
    return exitCodes.done
  })
}

function cadenceOf({ cron, everyMs, at, timeZone }: ScheduleInfo): string {
  if (cron !== undefined) return timeZone === undefined ? cron : `${cron} (${timeZone})`
  return everyMs === undefined ? `once, ${isoOf(at)}` : `every ${durationText(everyMs)}`
}

function scheduleJson(schedule: ScheduleInfo): Record<string, unknown> {
  const { name, graph, target, cron, everyMs, timeZone, overlap, note, started, skipped, missed, failures, runs } =
    schedule
  return {
    name,
    graph,
    target,
    cron: cron ?? null,
    everyMs: everyMs ?? null,
    at: isoOf(schedule.at),
    timeZone: timeZone ?? null,
    overlap,
    nextAt: isoOf(schedule.nextAt),
    lastAt: isoOf(schedule.lastAt),
    pausedAt: isoOf(schedule.pausedAt),
    note: note ?? null,
    started,
    skipped,
    missed,
    failures,
    runs,
  }
}
