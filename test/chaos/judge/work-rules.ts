import type { LogLine } from '../chaos-log.ts'
import { hasEnded, workerOf } from './change.ts'
import type { History, Moment } from './history.ts'
import { judgedShapes } from './judged-shapes.ts'
import type { Stops } from './stops.ts'
import type { Report, Rule } from './violation.ts'

const stillMs = 300
const awakeMs = 50

const scopes = new Map(judgedShapes.flatMap(({ steps }) => steps.map(({ name, scope }) => [name, scope])))

/** Judges the steps that processes begin by what was on record then. */
export function judgeWork(
  lines: readonly LogLine[],
  history: History,
  stops: Stops,
  lateMs: number,
  report: Report,
): void {
  const awakening = awakeningOf(lines)
  for (const [index, line] of lines.entries()) {
    if (line.kind !== 'begin') continue
    const { worker, at } = line
    const moments = history.moments(line.execution!)
    // What is stamped by then was so by then; what is stamped a little later may have been, each of several.
    const begun = acquisitions(moments, worker, at, at + lateMs)
    const found = begun.map((one) => faultsOf(line, one, awakening.has(index), history, stops))
    if (found.every((faults) => faults.length > 0)) for (const [rule, text] of found[0]!) report(rule, text)
  }
}

type Fault = readonly [rule: Rule, text: string]

/** What is wrong with a step's beginning, if its process has had the execution since then. */
function faultsOf(
  { execution, step, worker, at, n }: LogLine,
  begun: Moment | undefined,
  isAwakening: boolean,
  history: History,
  stops: Stops,
): readonly Fault[] {
  const id = execution!
  const place = `${id} ${step} in ${worker} at ${new Date(at).toISOString()}`
  if (begun === undefined) return [['ran without right', place]]
  const faults: Fault[] = []
  const moments = history.moments(id)
  const isSeen = (then: number): boolean => stops.seenBy(then) < at
  const commits = (history.commits.get(id)?.get(step!) ?? []).filter(({ life }) => life === begun.life)
  // It read the records after it had the execution.
  if (commits.some(({ order }) => order < begun.order))
    faults.push(['ran again', `${place}: it was completed before it came here`])
  // What was stopped between looking at its lease and the step begins it when it wakes up.
  if (isAwakening) return faults
  if (commits.some((commit) => isSeen(commit.at))) faults.push(['ran again', place])
  const madeAt = scopes.get(step!) === 'global' ? history.made.get(n!) : undefined
  if (madeAt !== undefined && isSeen(madeAt)) faults.push(['ran again', `${place}: there is a global result`])
  const heir = moments.slice(moments.indexOf(begun) + 1).find(({ row }) => row?.epoch !== begun.row!.epoch)
  if (heir !== undefined && isSeen(heir.at))
    faults.push(['ran without right', `${place}: it had another owner by then`])
  const ended = endBefore(moments, at)
  if (ended !== undefined && isSeen(ended.at) && heir === undefined) faults.push(['worked after the end', place])
  return faults
}

/** When a process got an execution last, before a time, and each time between that and another one. */
function acquisitions(
  moments: readonly Moment[],
  worker: string,
  from: number,
  to: number,
): readonly (Moment | undefined)[] {
  let last: Moment | undefined
  const later: Moment[] = []
  for (const [index, moment] of moments.entries()) {
    if (moment.at > to) break
    const { row, life } = moment
    if (row?.owner === undefined || workerOf(row.owner) !== worker) continue
    const before = moments[index - 1]
    if (before?.life === life && before.row?.epoch === row.epoch) continue
    if (moment.at <= from) last = moment
    else later.push(moment)
  }
  return [last, ...later]
}

/** When an execution ended that has ended at a time. */
function endBefore(moments: readonly Moment[], at: number): Moment | undefined {
  let found: Moment | undefined
  for (let i = moments.findLastIndex((moment) => moment.at <= at); i >= 0; i--) {
    const { row } = moments[i]!
    if (row !== undefined && !hasEnded(row)) break
    found = moments[i]
  }
  return found
}

/** The lines that processes wrote first when they went on after standing still, by their index. */
function awakeningOf(lines: readonly LogLine[]): ReadonlySet<number> {
  const found = new Set<number>()
  const stopped = new Set<string>()
  const lastAt = new Map<string, number>()
  const awakeAt = new Map<string, number>()
  for (const [index, { kind, worker, at }] of lines.entries()) {
    if (kind === 'stopped') stopped.add(worker)
    if (kind === 'stopped' || kind === 'continued' || kind === 'killed') continue
    if (stopped.has(worker) && at - (lastAt.get(worker) ?? at) > stillMs) awakeAt.set(worker, at)
    if (at - (awakeAt.get(worker) ?? -Infinity) < awakeMs) found.add(index)
    lastAt.set(worker, at)
  }
  return found
}
