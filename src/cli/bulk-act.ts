import type { Docket, ExecutionInfo } from '../index.ts'
import { append } from '../core/append.ts'
import { executionStatuses } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { describeThrown, readOf } from '../core/thrown.ts'
import { didYouMean } from '../core/closest-name.ts'
import type { CliCall } from './cli-call.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { ExitCode } from './cli-error.ts'
import { confirm, dryRun } from './confirm.ts'
import { filterOf, hintOfGraph, pagesOf } from './execution-filter.ts'
import { plain } from './plain-text.ts'
import { onRecord } from './record-act.ts'
import { sayUnserved } from './unserved-queues.ts'

/** An act on one execution. */
export interface Act {
  /** As in `cancel`. */
  readonly verb: string
  /** What is said of one that it was done to: `cancelled`. */
  readonly done: string
  /** The statuses in which it can be done to one: a filter that names none finds these alone. @default all */
  readonly statuses?: readonly ExecutionStatus[]
  /** Whether it can be done to one in this status; else why not, as in `it has ended`. */
  readonly refusalOf: (one: Chosen) => string | undefined
  /** Why it is done, for those who read of it. @default none */
  readonly note?: string | undefined
  /** Whether a process that serves its queue is to go on with it then: where none does, that is said. @default false */
  readonly leavesReady?: boolean
  /** Does it. @returns what came of it, where that is not `done` */
  readonly act: (docket: Docket, id: string) => Promise<string | undefined>
}

/** An execution that was chosen; its values are not kept. */
type Chosen = Pick<ExecutionInfo, 'id' | 'status' | 'queue'>

/** What became of one execution. */
interface Row {
  readonly id: string
  /** `cancelled`, or `requested` of what the process that runs it is still to do; `refused`, `notFound`, `failed`, or `wouldBe` of a dry run. */
  readonly outcome: string
  /** Why, of one that it was not done to. */
  readonly reason: string | null
}

/** What came of an act that the process which runs the execution is still to do. */
export const requested = 'requested'

// What many calls write goes out together.
const atOnce = 100
const fewIds = 20

/** Does something to the executions that are named, or that a filter finds: one outcome for each. */
export async function bulkAct(call: CliCall, docket: Docket, act: Act): Promise<ExitCode> {
  const chosen = await choose(call, docket, act)
  const left = await leftAlone(call, docket, act)
  if (left !== undefined) call.printer.say(`left alone: ${left}`)
  if (chosen.length === 0) {
    call.printer.say(hintOfGraph(docket, filterOf(call)?.graph) ?? `there is none to ${act.verb}`)
    return exitCodes.done
  }
  const possible = chosen.filter((one) => typeof one !== 'string' && act.refusalOf(one) === undefined).length
  const isDry = call.has('dryRun')
  const isBulk = call.args.length !== 1
  if (isBulk && !isDry)
    await confirm(
      call,
      `${act.verb} ${count(possible)}${possible === chosen.length ? '' : ` of ${chosen.length}`}?`,
      dryRun,
    )
  const tally = new Map<string, number>()
  let worst: ExitCode = exitCodes.done
  const ready = new Set<string>()
  const report = (row: Row, code: ExitCode): void => {
    tally.set(row.outcome, (tally.get(row.outcome) ?? 0) + 1)
    if (code !== exitCodes.done)
      worst =
        chosen.length === 1 || code === exitCodes.unreachable ? code : (Math.max(worst, exitCodes.refused) as ExitCode)
    call.printer.result(
      row,
      () => `${plain(row.id, 2_000)}  ${row.outcome}${row.reason === null ? '' : `: ${plain(row.reason, 1_000)}`}`,
    )
  }
  await inTurns(chosen, atOnce, async (one) => {
    if (call.streams.signal.aborted) return
    const id = typeof one === 'string' ? one : one.id
    if (typeof one === 'string')
      return report({ id, outcome: 'notFound', reason: await notFound(docket, id) }, exitCodes.notFound)
    const refusal = act.refusalOf(one)
    if (refusal !== undefined) return report({ id, outcome: 'refused', reason: refusal }, exitCodes.refused)
    if (isDry) return report({ id, outcome: 'wouldBe', reason: null }, exitCodes.done)
    try {
      const about = { act: act.verb, execution: id, note: act.note }
      const outcome = await onRecord(docket, about, () => act.act(docket, id), notDone)
      report(
        { id, outcome: outcome ?? act.done, reason: null },
        outcome === 'notFound' ? exitCodes.notFound : exitCodes.done,
      )
      if (act.leavesReady === true && outcome === undefined) ready.add(one.queue)
    } catch (error) {
      const isStore = readOf(error, 'code') === 'STORE_FAILED'
      report(
        { id, outcome: isStore ? 'failed' : 'refused', reason: describeThrown(error) },
        isStore ? exitCodes.unreachable : exitCodes.refused,
      )
    }
  })
  if (chosen.length > 1) call.printer.say([...tally].map(([outcome, many]) => `${many} ${outcome}`).join(', '))
  // There is no point in a question to a store that failed.
  if (!tally.has('failed')) await sayUnserved(call, docket, ready)
  return call.streams.signal.aborted ? exitCodes.interrupted : worst
}

/** The executions, or ids of which there is none. @throws CliError for ids and a filter together, and for neither */
async function choose(call: CliCall, docket: Docket, act: Act): Promise<readonly (Chosen | string)[]> {
  const filter = filterOf(call)
  const { args } = call
  if (args.length > 0) {
    if (filter !== undefined || call.has('all')) throw new CliError(exitCodes.usage, 'give ids or a filter, not both')
    const ids = [...new Set(args)]
    const found: (Chosen | string)[] = []
    await inTurns(ids, fewIds, async (id) => {
      const handle = await docket.get(id)
      found[ids.indexOf(id)] = handle === undefined ? id : chosenOf(await handle.info())
    })
    return found
  }
  if (filter === undefined && !call.has('all'))
    throw new CliError(exitCodes.usage, 'say which: give ids, a filter such as --graph and --status, or --all')
  const { statuses } = act
  const found: Chosen[] = []
  const query = isNarrowed(call, act) ? { ...filter, status: statuses } : (filter ?? {})
  for await (const page of pagesOf(docket, query)) append(found, page.map(chosenOf))
  return found
}

function chosenOf({ id, status, queue }: ExecutionInfo): Chosen {
  return { id, status, queue }
}

/** Whether it is the act that says in which statuses executions are chosen. */
function isNarrowed({ args, options }: CliCall, { statuses }: Act): boolean {
  // Only what has not ended waits for anything.
  const isOpen = options['status'] === undefined && options['waitsFor'] === undefined
  return args.length === 0 && isOpen && statuses !== undefined
}

/** How many a filter finds that the act is not for, by status; undefined where there are none. */
async function leftAlone(call: CliCall, docket: Docket, act: Act): Promise<string | undefined> {
  if (!isNarrowed(call, act)) return undefined
  const { waitsFor: _, limit: __, after: ___, ...filter } = filterOf(call) ?? {}
  const status = executionStatuses.filter((one) => !act.statuses!.includes(one))
  const counts = Object.entries(await docket.count({ ...filter, status }))
  const texts = counts.map(([of, { count: many, isMore }]) => `${many.toLocaleString('en')}${isMore ? '+' : ''} ${of}`)
  return texts.length === 0 ? undefined : texts.join(', ')
}

function notDone(outcome: string | undefined): string | undefined {
  return outcome === requested ? undefined : outcome
}

async function notFound(docket: Docket, id: string): Promise<string> {
  const { executions } = await docket.list({ limit: 200 })
  return `there is no execution of this id${didYouMean(
    id,
    executions.map((one) => one.id),
  )}`
}

function count(executions: number): string {
  return executions === 1 ? '1 execution' : `${executions.toLocaleString('en')} executions`
}

/** Works through all of them, so many at the same time. */
async function inTurns<Item>(items: readonly Item[], most: number, work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: Math.min(most, items.length) }, async () => {
      for (const item of rest) await work(item)
    }),
  )
}
