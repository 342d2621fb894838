import { waitText } from '../../index.ts'
import type { ExecutionDetails } from '../../index.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { requireExecution } from '../find-execution.ts'
import { jsonErrorOf } from '../json-value.ts'
import { looksAt } from '../looks-at.ts'
import { plain } from '../plain-text.ts'

const whatItIs =
  'this is what is on record: how each step stands, with its last attempts. A history of all that happened is in logs and traces, where the program has observers for them'

/** Something that happened, or that an execution is at. */
interface Moment {
  /** When; null where that is not on record. */
  readonly at: string | null
  readonly type: string
  readonly step: string | null
  readonly item: string | null
  readonly attempt: number | null
  readonly text: string | null
}

/** `docket events`: what is on record of an execution in the order in which it happened; with `--follow`, what comes too. */
export async function events(call: CliCall): Promise<ExitCode> {
  const [id = ''] = call.args
  return call.withDocket('look', async (docket) => {
    const handle = await requireExecution(docket, id)
    const seen = new Set<string>()
    const print = (details: ExecutionDetails): void => {
      for (const moment of momentsOf(details)) {
        const name = JSON.stringify([moment.type, moment.step, moment.item, moment.attempt, moment.text])
        if (seen.has(name)) continue
        seen.add(name)
        call.printer.result({ id, ...moment }, () => textOf(moment))
      }
    }
    if (!call.printer.isJson) call.printer.say(whatItIs)
    if (!call.has('follow')) {
      print(await handle.details({ live: '500ms' }))
      return exitCodes.done
    }
    for await (const details of looksAt(handle, call.streams)) {
      print(details)
      if (isTerminal(details.status)) return details.status === 'completed' ? exitCodes.done : exitCodes.failed
    }
    return exitCodes.interrupted
  })
}

/** All that is known to have happened, the oldest first; what has no time on record stands at the end. */
function momentsOf(details: ExecutionDetails): readonly Moment[] {
  const moments: Moment[] = []
  const add = (at: Date | undefined, type: string, more: Partial<Moment> = {}): void =>
    void moments.push({
      at: at?.toISOString() ?? null,
      type,
      step: null,
      item: null,
      attempt: null,
      text: null,
      ...more,
    })
  add(details.createdAt, 'execution.created')
  if (details.startedAt !== undefined) add(details.startedAt, 'execution.started')
  for (const {
    step,
    item = null,
    status,
    attempt = 0,
    attempts,
    since,
    startedAt,
    endedAt,
    waitsFor,
    error,
    undo,
  } of details.steps) {
    const of = { step, item }
    if (startedAt !== undefined) add(startedAt, 'step.started', of)
    for (const one of attempts) {
      if (one.attempt > 1) add(one.startedAt, 'attempt.started', { ...of, attempt: one.attempt })
      // The last one is the step's own end.
      if (one.endedAt !== undefined && one.error !== undefined && (one.attempt < attempt || endedAt === undefined))
        add(one.endedAt, 'attempt.failed', {
          ...of,
          attempt: one.attempt,
          text: jsonErrorOf(one.error)?.message ?? null,
        })
    }
    if (endedAt !== undefined)
      add(endedAt, `step.${status}`, { ...of, attempt, text: jsonErrorOf(error)?.message ?? null })
    else if (status === 'retrying')
      add(since, 'step.retrying', { ...of, attempt, text: jsonErrorOf(error)?.message ?? null })
    else if (status === 'waiting' && waitsFor !== undefined)
      add(since, 'step.waiting', { ...of, attempt, text: `for ${waitText(waitsFor)}` })
    else if (status === 'running' && attempt > 1) add(since, 'step.running', { ...of, attempt })
    if (undo === undefined) continue
    const text = jsonErrorOf(undo.error)?.message ?? null
    add(undo.startedAt, 'undo.started', of)
    if (undo.endedAt !== undefined) {
      const type = undo.status === 'undone' ? 'undo.completed' : 'undo.failed'
      add(undo.endedAt, type, { ...of, attempt: undo.attempt, text })
    } else if (undo.status === 'retrying') add(undefined, 'undo.retrying', { ...of, attempt: undo.attempt, text })
  }
  if (details.endedAt !== undefined)
    add(details.endedAt, `execution.${details.status}`, { text: jsonErrorOf(details.error)?.message ?? null })
  return moments.toSorted((one, other) => {
    if (one.at === other.at) return 0
    if (one.at === null || other.at === null) return one.at === null ? 1 : -1
    return one.at < other.at ? -1 : 1
  })
}

function textOf({ at, type, step, item, attempt, text }: Moment): string {
  const of = step === null ? '' : `  ${plain(step)}${item === null ? '' : ` of item ${plain(item)}`}`
  const which = attempt !== null && attempt > 1 ? ` (attempt ${attempt})` : ''
  return `${(at ?? '').padEnd(24)}  ${type}${of}${which}${text === null ? '' : `: ${plain(text, 1_000)}`}`
}
