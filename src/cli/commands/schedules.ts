import type { Backfill, Docket, ScheduleInfo } from '../../index.ts'
import { didYouMean } from '../../core/closest-name.ts'
import { durationText } from '../../core/duration.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { confirm, dryRun } from '../confirm.ts'
import { isoOf } from '../json-value.ts'
import { jsonLine, plain } from '../plain-text.ts'
import { onRecord } from '../record-act.ts'
import { sayUnlessServed } from '../unserved-queues.ts'

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
    await sayUnlessServed(call, docket, { info: async () => (await docket.get(id))!.info() })
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
  const options = { from, to, ...(overlap !== undefined && { overlap }) }
  if (call.has('dryRun'))
    return call.withDocket('look', async (docket) => {
      const name = await requireSchedule(call, docket)
      const made = await docket.schedules.backfill(name, { ...options, dryRun: true })
      call.printer.result({ name, ...made }, () => countsOf(made, 'would be started', 'are'))
      return exitCodes.done
    })
  const question = async (docket: Docket, name: string): Promise<string> => {
    const { started, isOneBuffered, cancelled } = await docket.schedules.backfill(name, { ...options, dryRun: true })
    const first = cancelled === 0 ? '' : `cancel ${count(cancelled)} that ${cancelled === 1 ? 'runs' : 'run'}, and `
    return `${first}start ${count(started + Number(isOneBuffered))} that schedule "${plain(name)}" has missed from ${from.toISOString()} to ${to.toISOString()}?`
  }
  return onSchedule(
    call,
    'backfill',
    question,
    async (docket, name) => {
      const made = await docket.schedules.backfill(name, options)
      call.printer.result({ name, ...made }, () => countsOf(made, 'started', 'were'))
    },
    dryRun,
  )
}

function countsOf(
  { started, existing, skipped, isOneBuffered, cancelled }: Backfill,
  verb: string,
  were: string,
): string {
  return [
    `${started} ${verb}`,
    `${existing} ${were} there`,
    `${skipped} skipped`,
    ...(cancelled > 0 ? [`${cancelled} ${verb.replace('started', 'cancelled')}`] : []),
    ...(isOneBuffered ? ['one waits until what runs has ended'] : []),
  ].join(', ')
}

function count(executions: number): string {
  return executions === 1 ? '1 execution' : `${executions.toLocaleString('en')} executions`
}

/** `docket schedules delete`: what it has started goes on. */
export async function deleteSchedule(call: CliCall): Promise<ExitCode> {
  return onSchedule(call, 'delete', questionOfDeletion, async (docket, name) => {
    await docket.schedules.delete(name)
    call.printer.result({ name, outcome: 'deleted' }, () => `${plain(name)}  deleted`)
  })
}

function questionOfDeletion(_: Docket, name: string): string {
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

async function onSchedule(
  call: CliCall,
  verb: string,
  question: ((docket: Docket, name: string) => string | Promise<string>) | undefined,
  act: (docket: Docket, name: string) => Promise<void>,
  instead?: string,
): Promise<ExitCode> {
  return call.withDocket('act', async (docket) => {
    const name = await requireSchedule(call, docket)
    if (question !== undefined && !call.has('yes')) await confirm(call, await question(docket, name), instead)
    await onRecord(docket, { act: `${verb}Schedule`, note: name }, () => act(docket, name))
    return exitCodes.done
  })
}

/** The name of a schedule that is there. @throws CliError where there is none of the name that was typed */
async function requireSchedule({ args: [name = ''] }: CliCall, docket: Docket): Promise<string> {
  if ((await docket.schedules.get(name)) !== undefined) return name
  const { schedules } = await docket.schedules.list({ limit: 200 })
  const hint = didYouMean(
    name,
    schedules.map((one) => one.name),
  )
  throw new CliError(exitCodes.notFound, `there is no schedule "${name}"${hint}`)
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
