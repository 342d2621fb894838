import { createDocket } from '../../../src/index.ts'
import type { Docket, ExecutionDetails } from '../../../src/index.ts'
import { numberOf } from '../chaos-graphs.ts'
import type { Mark } from '../chaos-graphs.ts'
import type { LogLine } from '../chaos-log.ts'
import type { StoreUnderTest } from '../chaos-stores.ts'
import { effectsOf } from '../effects.ts'
import type { StormOutcome } from '../storm.ts'
import { acceptedIn } from '../verdict.ts'
import type { Verdict } from '../verdict.ts'
import { openWorkersStore } from './engine-under-test.ts'
import { limitsIn } from './limit-rules.ts'
import type { LimitFindings } from './limit-rules.ts'
import { versionedSteps } from './versioned-graphs.ts'

export interface WorkersVerdict extends Verdict {
  readonly limits: LimitFindings
  /** Executions that the schedule has started. */
  readonly ticks: number
  /** How often a worker left an execution to one of another version. */
  readonly left: number
  /** Executions in which steps of both versions, and of several workers, have had a part. */
  readonly shared: number
}

/** Looks from outside, through a store handle of its own, whether everything is as it was promised. */
export async function workersVerdict(
  store: StoreUnderTest,
  outcome: StormOutcome,
  leaseMs: number,
): Promise<WorkersVerdict> {
  const { lines } = outcome.log
  const violations = [...outcome.violations]
  const report = (what: string): void => void violations.push(what)
  const { counts: effects, violations: repeated } = effectsOf(lines, store.kind, versionedSteps)
  const limits = limitsIn(lines, leaseMs)
  violations.push(...repeated, ...limits.violations)

  await using docket = createDocket({ graphs: [], store: openWorkersStore(store.kind, store.url), takeOver: false })
  const all = await readAll(docket)
  const accepted = acceptedIn(lines)
  for (const { execution } of outcome.orders.values())
    if (!all.has(execution) && accepted.has(execution))
      report(`${execution} is lost: it was accepted, and the store does not know it`)
  for (const [id, details] of all) {
    const tell = (what: string): void => report(`${id} (${details.graph}): ${what}`)
    const parent = details.parent === undefined ? undefined : all.get(details.parent)
    checkRecords(details, parent, (name) => leafOf(name, id, outcome), tell)
  }
  checkTold(lines, all, report)
  const ticks = await checkSchedule(docket, all, report)
  const left = lines.filter(({ kind }) => kind === 'left').length
  return { violations, effects, limits, ticks, left, shared: sharedIn(lines) }
}

async function readAll(docket: Docket): Promise<ReadonlyMap<string, ExecutionDetails>> {
  const ids: string[] = []
  for (let after: string | undefined; ;) {
    const page = await docket.list({ limit: 1_000, ...(after !== undefined && { after }) })
    ids.push(...page.executions.map(({ id }) => id))
    if (page.next === undefined) break
    after = page.next
  }
  const found = new Map<string, ExecutionDetails>()
  const read = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const details = await (await docket.get(id))?.details()
      if (details !== undefined) found.set(id, details)
    }
  }
  await Promise.all(Array.from({ length: 4 }, read))
  return found
}

/** What went in from outside. */
function leafOf(name: string, id: string, { orders }: StormOutcome): number | undefined {
  if (name === 'Seed') return orders.get(id.split('/')[0]!)?.leaves['Seed']
  return name === 'At' ? Date.parse(id.slice(id.indexOf('/') + 1)) : undefined
}

/** A step's name in the first version of the program. */
function firstName(step: string): string {
  return step === 'Wrap' ? 'Pack' : step
}

/** Each step that there is has one result, made of those that are committed before it. */
function checkRecords(
  { status, error, output, steps }: ExecutionDetails,
  parent: ExecutionDetails | undefined,
  leafOf: (name: string) => number | undefined,
  report: (what: string) => void,
): void {
  if (status !== 'completed') return report(`is ${status}${error instanceof Error ? `: ${error.message}` : ''}`)
  const marks = new Map<string, Mark>()
  for (const { step, output } of parent?.steps ?? [])
    if (output !== undefined) marks.set(firstName(step), output as Mark)
  for (const { step, status: stepStatus, output: made } of steps) {
    if (stepStatus !== 'completed') report(`step ${step} is ${stepStatus}`)
    if (marks.has(firstName(step)) && parent === undefined) report(`step ${step} has two records`)
    marks.set(firstName(step), made as Mark)
  }
  for (const { step, output: made } of steps) {
    const { n, from, tag } = made as Mark
    for (const [type, used] of Object.entries(from))
      if (leafOf(type) === undefined && marks.get(type)?.tag !== used)
        report(`step ${step} was made of ${used}, but ${type} is ${marks.get(type)?.tag}`)
    const name = firstName(step)
    const expected = numberOf(
      { name, from: Object.keys(from).toSorted() },
      (type) => leafOf(type) ?? marks.get(type)?.n ?? -1,
    )
    if (n !== expected) report(`step ${step} made ${n}, not ${expected} (${tag})`)
  }
  const last = (output as Mark | undefined)?.tag
  if (![...marks.values()].some(({ tag }) => tag === last)) report(`its output is ${last}, which no step has made`)
}

/** What workers were given, and told, is what is committed. */
function checkTold(
  lines: readonly LogLine[],
  all: ReadonlyMap<string, ExecutionDetails>,
  report: (what: string) => void,
): void {
  const committed = new Map<string, string>()
  for (const [id, { steps, output }] of all) {
    for (const { step, output: made } of steps)
      committed.set(`${id} ${firstName(step)}`, (made as Mark | undefined)?.tag ?? '')
    committed.set(`${id} the end`, (output as Mark | undefined)?.tag ?? '')
  }
  for (const { kind, execution, worker, step, tag, from = {} } of lines) {
    if (kind === 'result' && committed.get(`${execution} the end`) !== tag)
      report(`${execution}: ${worker} was told ${tag}, and its result is ${committed.get(`${execution} the end`)}`)
    if (kind !== 'begin') continue
    for (const [type, used] of Object.entries(from)) {
      const known = committed.get(`${execution} ${type}`) ?? committed.get(`${all.get(execution!)?.parent} ${type}`)
      if (known !== undefined && known !== used)
        report(`${execution}: ${worker} gave ${step} the ${type} ${used}, but ${known} is committed`)
    }
  }
}

/** One execution for each nominal time from the first on. */
async function checkSchedule(
  docket: Docket,
  all: ReadonlyMap<string, ExecutionDetails>,
  report: (what: string) => void,
): Promise<number> {
  const times = [...all.keys()].flatMap((id) => (id.startsWith('tick/') ? [Date.parse(id.slice('tick/'.length))] : []))
  const until = (await docket.schedules.get('tick'))?.lastAt?.getTime()
  if (until === undefined) {
    report('the schedule has started nothing')
    return 0
  }
  const known = new Set(times)
  for (let time = Math.min(...times); time <= until; time += 1_000)
    if (!known.has(time)) report(`nothing was started for ${new Date(time).toISOString()}`)
  return known.size
}

/** How many had steps in workers of both versions. */
function sharedIn(lines: readonly LogLine[]): number {
  const versions = new Map(lines.flatMap(({ kind, worker, n }) => (kind === 'ready' ? [[worker, n!] as const] : [])))
  const parts = new Map<string, Set<number>>()
  for (const { kind, execution, worker } of lines) {
    if (kind !== 'end') continue
    const seen = parts.get(execution!) ?? new Set()
    parts.set(execution!, seen.add(versions.get(worker)!))
  }
  return [...parts.values()].filter(({ size }) => size > 1).length
}
