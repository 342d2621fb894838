import { createDocket } from '../../../src/index.ts'
import type { ExecutionDetails } from '../../../src/index.ts'
import type { Mark } from '../chaos-graphs.ts'
import type { LogLine } from '../chaos-log.ts'
import { openStore } from '../chaos-stores.ts'
import type { StoreUnderTest } from '../chaos-stores.ts'
import { effectsOf } from '../effects.ts'
import type { StormOutcome } from '../storm.ts'
import { acceptedIn, refuseToRun } from '../verdict.ts'
import type { Verdict } from '../verdict.ts'
import { bookings, childrenOf, isBroke, waitingGraphs, waitingSteps } from './waiting-graphs.ts'

/** How often what happened, so that nobody takes a storm for a proof in which nothing was parked. */
export interface WaitCounts {
  readonly parked: number
  readonly fired: number
  readonly undone: number
  readonly verdicts: Readonly<Record<string, number>>
  readonly decisions: Readonly<Record<string, number>>
}

/** Clocks of one machine, in whole milliseconds. */
const roundingMs = 2
// What came so long before a timer was due has been read before it, whoever had to be replaced meanwhile.
const inTimeMs = 6_000

/** Looks from outside whether waits, races, children and undoings came to what was promised. */
export async function waitsVerdict(
  store: StoreUnderTest,
  outcome: StormOutcome,
): Promise<Verdict & { readonly counts: WaitCounts }> {
  const violations = [...outcome.violations]
  const report = (what: string): void => void violations.push(what)
  const damage = store.check?.()
  if (damage !== undefined) report(damage)
  const { lines } = outcome.log
  const { counts: effects, violations: repeated } = effectsOf(lines, store.kind, waitingSteps)
  violations.push(...repeated)
  const all = await detailsOf(store, outcome)
  const byExecution = Map.groupBy(
    lines.filter(({ execution }) => execution !== undefined),
    ({ execution }) => execution!,
  )
  const accepted = acceptedIn(lines)
  for (const { execution, graph, leaves } of outcome.orders.values()) {
    const details = all.get(execution)
    if (details === undefined) {
      // Nobody may have taken it before the storm was given up, which is a violation of its own.
      if (accepted.has(execution))
        report(`${execution} (${graph}): lost: it was accepted, and the store does not know it`)
      continue
    }
    const fails = graph === 'trips' && isBroke(leaves['Seed']!)
    const expected = fails ? 'failed' : 'completed'
    if (details.status !== expected)
      report(`${execution} (${graph}) is ${details.status}, not ${expected}${causesOf(details.error)}`)
    const own = byExecution.get(execution) ?? []
    checkUndone(execution, graph, details, own, report)
    checkRace(execution, details, own, report)
    if (graph !== 'orders') continue
    for (const id of childrenOf(execution)) {
      const child = all.get(id)
      if (child?.status !== 'completed') report(`${id} is ${child?.status ?? 'not there'}`)
      else checkRace(id, child, byExecution.get(id) ?? [], report)
    }
  }
  for (const { step, n, at } of lines.filter(({ kind }) => kind === 'fired'))
    if (at < n! - roundingMs) report(`${step} fired ${n! - at} ms too early`)
  return { violations, effects, counts: countsOf(lines) }
}

/** One winner for ever, and at most one signal that was accepted. */
function checkRace(
  id: string,
  { steps }: ExecutionDetails,
  lines: readonly LogLine[],
  report: (what: string) => void,
): void {
  const decided = lines.filter(({ kind }) => kind === 'decided')
  const winners = new Set(decided.map(({ step, text, tag }) => `${step}: ${text} ${tag}`))
  if (winners.size > 1) report(`${id} was decided ${winners.size} times: ${[...winners].join('; ')}`)
  const [decision] = decided
  const race = steps.find(({ step }) => step === decision?.step)
  const made = race?.output as Mark | undefined
  if (decision !== undefined && made?.tag !== `${decision.step} of ${id}: ${decision.tag}`)
    report(`${id}: ${decision.step} is ${made?.tag} on record, and was ${decision.tag}`)
  const accepted = lines.filter(({ kind, text }) => kind === 'sent' && text === 'accepted')
  const letters = new Set(accepted.map(({ tag }) => tag))
  if (letters.size > 1) report(`${id}: ${letters.size} signals were accepted`)
  if (decision === undefined) return
  const isBySignal = decision.text === 'approval' || decision.text === 'bell'
  if (isBySignal && !letters.has(decision.tag) && letters.size > 0)
    report(`${id} was decided by the signal ${decision.tag}, and ${[...letters].join()} was accepted`)
  const timer = steps.find(({ step }) => step === 'Expire' || step === 'Wait')?.output as Mark | undefined
  const first = accepted[0]
  if (!isBySignal && decision.step === 'Decide' && first !== undefined && first.at < timer!.n - inTimeMs)
    report(`${id} was decided by its timer, though a signal was accepted ${timer!.n - first.at} ms before`)
}

/** What was done is undone where the execution failed or a race was lost, the last first, and nothing else is. */
function checkUndone(
  id: string,
  graph: string,
  { status, steps }: ExecutionDetails,
  lines: readonly LogLine[],
  report: (what: string) => void,
): void {
  const undone = new Set(lines.flatMap(({ kind, idempotencyKey }) => (kind === 'undone' ? [idempotencyKey!] : [])))
  const begun = Map.groupBy(
    lines.filter(({ kind }) => kind === 'begin'),
    ({ step }) => step!,
  )
  const hasLost = graph === 'contests' && lines.some(({ kind, text }) => kind === 'decided' && text === 'far')
  for (const { kind, step, tag } of lines)
    if (kind === 'undoing' && status === 'completed' && !hasLost)
      report(`${id}: ${step} is undone (${tag}), and all went well`)
  const mustBe = graph === 'trips' && status === 'failed' ? bookings : hasLost ? ['Near'] : []
  for (const step of mustBe)
    for (const key of new Set((begun.get(step) ?? []).map(({ idempotencyKey }) => idempotencyKey!)))
      if (!undone.has(key)) report(`${id} is ${status}, and ${step} is not undone (${describeUndo(steps, step)})`)
  if (graph !== 'trips') return
  for (const [place, step] of bookings.entries()) {
    const next = bookings[place + 1]
    const firstTry = lines.findIndex((line) => line.kind === 'undoing' && line.step === step)
    const doneAt = lines.findIndex((line) => line.kind === 'undone' && line.step === next)
    if (next !== undefined && firstTry >= 0 && doneAt > firstTry) report(`${id}: ${step} was undone before ${next}`)
  }
}

/** What an execution ended with, and why. */
function causesOf(error: unknown): string {
  const messages: string[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) messages.push(cause.message)
  return messages.map((message) => `: ${message}`).join('')
}

function describeUndo(steps: ExecutionDetails['steps'], name: string): string {
  const found = steps.find(({ step }) => step === name)
  return `${found?.status}, undo ${found?.undo?.status ?? 'none'}`
}

async function detailsOf(
  store: StoreUnderTest,
  { orders }: StormOutcome,
): Promise<ReadonlyMap<string, ExecutionDetails>> {
  const graphs = [
    ...waitingGraphs({ run: refuseToRun, decided: refuseToRun, fired: refuseToRun, undo: refuseToRun }).values(),
  ]
  await using docket = createDocket({
    graphs: graphs.map(({ graph }) => graph),
    store: openStore(store.kind, store.url),
    takeOver: false,
  })
  const found = new Map<string, ExecutionDetails>()
  const ids = [...orders.values()].flatMap(({ execution, graph }) =>
    graph === 'orders' ? [execution, ...childrenOf(execution)] : [execution],
  )
  const read = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const details = await (await docket.get(id))?.details()
      if (details !== undefined) found.set(id, details)
    }
  }
  await Promise.all(Array.from({ length: 8 }, read))
  return found
}

function countsOf(lines: readonly LogLine[]): WaitCounts {
  const count = (kind: LogLine['kind']): number => lines.filter((line) => line.kind === kind).length
  const by = (kind: LogLine['kind']): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const line of lines) if (line.kind === kind) counts[line.text!] = (counts[line.text!] ?? 0) + 1
    return counts
  }
  return {
    parked: count('parked'),
    fired: count('fired'),
    undone: count('undone'),
    verdicts: by('sent'),
    decisions: by('decided'),
  }
}
