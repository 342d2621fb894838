import type { Backlog, Docket, QueueInfo, QueueSettings } from '../../index.ts'
import { didYouMean } from '../../core/closest-name.ts'
import { limitsText } from '../../core/limits-text.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { isoOf } from '../json-value.ts'
import { jsonLine, plain } from '../plain-text.ts'
import { onRecord } from '../record-act.ts'

const mostCounted = 10_000

/** `docket queues list`: what stands ready in each queue that is named, served, declared, or has something to do. */
export async function listQueues(call: CliCall): Promise<ExitCode> {
  return call.withDocket('look', async (docket) => {
    const { printer } = call
    const rows = await Promise.all(
      (await namesOf(docket, call.args)).map(async (name) => {
        const queue = docket.queue(name)
        const [info, backlog] = await Promise.all([queue.info(), queue.backlog({ upTo: mostCounted })])
        return { info, backlog }
      }),
    )
    if (printer.isJson)
      for (const { info, backlog } of rows) printer.line(jsonLine({ ...queueJson(info), ...backlogJson(backlog) }))
    else
      for (const line of printer.table(
        ['QUEUE', 'STATE', 'READY', 'RUNNING', 'WAITING', 'OVERDUE', 'OLDEST READY', 'LIMITS'],
        rows.map(({ info, backlog }) => [
          info.queue,
          info.pausedAt === undefined ? 'active' : `paused${info.note === undefined ? '' : `: ${info.note}`}`,
          countText(backlog.ready),
          countText(backlog.running),
          countText(backlog.waiting),
          countText(backlog.overdue),
          ageText(backlog.oldestReadyMs),
          limitsText(info.limits),
        ]),
      ))
        printer.line(line)
    return exitCodes.done
  })
}

/** `docket queues pause`. */
export function pauseQueue(call: CliCall): Promise<ExitCode> {
  return change(call, 'pause', (docket, name) => docket.queue(name).pause(call.text('note')))
}

/** `docket queues resume`. */
export function resumeQueue(call: CliCall): Promise<ExitCode> {
  return change(call, 'resume', (docket, name) => docket.queue(name).resume())
}

/** `docket queues limits`: sets limits that stand above declared ones, or takes them away. */
export function limitQueue(call: CliCall): Promise<ExitCode> {
  const settings = settingsOf(call)
  return change(call, 'limits', (docket, name) => docket.queue(name).limits(settings))
}

async function change(
  call: CliCall,
  verb: string,
  act: (docket: Docket, name: string) => Promise<QueueInfo>,
): Promise<ExitCode> {
  const [name = ''] = call.args
  return call.withDocket('act', async (docket) => {
    const stranger = await unknownQueue(docket, name)
    if (stranger !== undefined) call.printer.say(stranger)
    const info = await onRecord(docket, { act: `${verb}Queue`, note: name }, () => act(docket, name))
    const limits = limitsText(info.limits)
    call.printer.result(
      queueJson(info),
      () => `${plain(name)}  ${info.pausedAt === undefined ? 'active' : 'paused'}${limits === '' ? '' : `, ${limits}`}`,
    )
    return exitCodes.done
  })
}

/** A queue may be paused before anything serves it, so this is a warning; undefined for one that somebody knows. */
async function unknownQueue(docket: Docket, name: string): Promise<string | undefined> {
  const known = await namesOf(docket, [])
  if (known.includes(name)) return undefined
  const { ready, running, waiting } = await docket.queue(name).backlog({ upTo: 1 })
  if (ready + running + waiting > 0) return undefined
  return plain(`warning: no worker serves queue "${name}", and nothing is in it${didYouMean(name, known)}`)
}

function settingsOf(call: CliCall): QueueSettings | null {
  const { concurrency, perKey, rate, burst, declared } = call.options as {
    readonly concurrency?: number
    readonly perKey?: boolean
    readonly rate?: { readonly limit: number; readonly per: number }
    readonly burst?: number
    readonly declared?: boolean
  }
  const isSet = concurrency !== undefined || rate !== undefined
  if (declared === true && isSet) throw new CliError(exitCodes.usage, '--declared takes limits away: give no others')
  if (declared === true) return null
  if (!isSet) throw new CliError(exitCodes.usage, 'give --concurrency, --rate, or --declared for the declared limits')
  if (perKey === true && concurrency === undefined) throw new CliError(exitCodes.usage, '--per-key needs --concurrency')
  if (burst !== undefined && rate === undefined) throw new CliError(exitCodes.usage, '--burst needs --rate')
  return {
    ...(concurrency !== undefined && { concurrency: { limit: concurrency, key: perKey === true } }),
    ...(rate !== undefined && { rate: { ...rate, ...(burst !== undefined && { burst }) } }),
  }
}

/** The queues that are named; else those that anything is known of. */
async function namesOf(docket: Docket, named: readonly string[]): Promise<readonly string[]> {
  return named.length > 0 ? [...new Set(named)] : docket.queues()
}

function countText(many: number): string {
  return many >= mostCounted ? '10,000+' : many.toLocaleString('en')
}

function queueJson({ queue, pausedAt, note, limits, declared, version }: QueueInfo): Record<string, unknown> {
  return {
    queue,
    pausedAt: isoOf(pausedAt),
    note: note ?? null,
    limits,
    declared: declared ?? null,
    version: version ?? null,
  }
}

function backlogJson({ oldestReadyMs, ...counts }: Backlog): Record<string, unknown> {
  return { ...counts, oldestReadyMs: oldestReadyMs ?? null }
}

/** Of a row whose time is none, nothing is known. */
function ageText(ms: number | undefined): string {
  return ms === undefined ? '' : Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : '?'
}
