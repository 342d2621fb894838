import { shapes } from './chaos-graphs.ts'
import type { ChaosStep } from './chaos-graphs.ts'
import type { LogLine } from './chaos-log.ts'
import type { StoreKind } from './chaos-stores.ts'

/** Why a step ran again. */
export type RepeatCause =
  'killed' | 'stopped' | 'stopped before it began' | 'closed' | 'lease lost' | 'lease lost unheard' | 'store fault'

/** What the side effects of persisted steps come to. */
export interface EffectCounts {
  /** Persisted steps, by execution; global ones by their inputs. */
  readonly steps: number
  /** Those of them that had their effect more than once, failed attempts aside. */
  readonly repeated: number
  readonly causes: Readonly<Partial<Record<RepeatCause, number>>>
}

interface Begin extends LogLine {
  readonly index: number
}

/**
 * Compares side effects with what happened to the processes. A second effect is allowed only where the process that had the first one
 * was hindered from committing it: killed, stopped, closed or cut off from the store in between; and never once somebody has used
 * the committed value, nor under another idempotency key.
 */
export function effectsOf(
  lines: readonly LogLine[],
  kind: StoreKind,
  of: readonly ChaosStep[] = shapes.flatMap(({ steps }) => steps),
): { counts: EffectCounts; violations: readonly string[] } {
  const steps = new Map(of.map((step) => [step.name, step]))
  const violations: string[] = []
  const begins = new Map<string, Begin[]>()
  const failed = new Set<string>()
  const makers = new Map<string, string>()
  const used = new Map<string, number>()
  const keyOf = ({ execution, step, n }: LogLine): string =>
    steps.get(step!)!.scope === 'global' ? `${step} ${n}` : `${execution} ${step}`
  for (const [index, line] of lines.entries()) {
    if (line.kind === 'fail') failed.add(`${line.worker} ${line.execution} ${line.step} ${line.attempt}`)
    if (line.kind === 'end' && steps.get(line.step!)!.scope !== undefined) makers.set(line.tag!, keyOf(line))
    if (line.kind !== 'begin') continue
    for (const tag of Object.values(line.from!)) {
      const key = makers.get(tag)
      if (key !== undefined && !used.has(key)) used.set(key, index)
    }
    if (steps.get(line.step!)!.scope === undefined) continue
    const key = keyOf(line)
    add(begins, key, { ...line, index })
  }

  const faults = faultsOf(lines, kind)
  const causes: Partial<Record<RepeatCause, number>> = {}
  let repeated = 0
  for (const [key, list] of begins) {
    if (new Set(list.map(({ idempotencyKey }) => idempotencyKey)).size > 1)
      violations.push(`${key} ran under different idempotency keys`)
    const usedAt = used.get(key)
    const again = list.find(({ index }) => index > (usedAt ?? Infinity) && !faults.duringWaking.has(index))
    if (again !== undefined) violations.push(`${key} ran again in ${again.worker} after its result had been used`)
    let isRepeated = false
    for (const [i, next] of list.entries()) {
      const before = list[i - 1]
      if (before === undefined) continue
      if (failed.has(`${before.worker} ${before.execution} ${before.step} ${before.attempt}`)) continue
      isRepeated = true
      const cause = causeOf(before, next, faults)
      if (cause === undefined)
        violations.push(`${key} ran in ${before.worker} and again in ${next.worker} for no reason`)
      else causes[cause] = (causes[cause] ?? 0) + 1
    }
    if (isRepeated) repeated++
  }
  return { counts: { steps: begins.size, repeated, causes }, violations }
}

function add<Item>(map: Map<string, Item[]>, key: string, item: Item): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [item])
  else known.push(item)
}

/** Lines that are not by the worker that they name. */
const orchestral: ReadonlySet<LogLine['kind']> = new Set([
  'killed',
  'stopped',
  'continued',
  'server-fault',
  'server-back',
])
const shortestStopMs = 300
/** A process that lives has heard within that time that another one has its executions. */
const longestUnheardMs = 1_000

interface Moment {
  readonly index: number
  readonly at: number
}

/** What happened to whom, and from which line to which. */
interface Faults {
  readonly kills: ReadonlyMap<string, Moment>
  readonly stops: ReadonlyMap<string, readonly (readonly [from: number, to: number])[]>
  readonly closes: ReadonlyMap<string, Moment>
  /** The last lines that workers have written themselves. */
  readonly lastWords: ReadonlyMap<string, number>
  readonly losses: ReadonlyMap<string, readonly number[]>
  /** Effects in the turn of the event loop in which a process woke up: it was stopped between looking at its lease and them. */
  readonly duringWaking: ReadonlySet<number>
  readonly outages: readonly (readonly [from: number, to: number])[]
}

function faultsOf(lines: readonly LogLine[], store: StoreKind): Faults {
  const kills = new Map<string, Moment>()
  const closes = new Map<string, Moment>()
  const stops = new Map<string, [number, number][]>()
  const losses = new Map<string, number[]>()
  const outages: [number, number][] = []
  const duringWaking = new Set<number>()
  const lastAt = new Map<string, number>()
  const awakeIn = new Map<string, number | undefined>()
  const lastWords = new Map<string, number>()
  for (const [index, { kind, worker, execution, at, turn }] of lines.entries()) {
    if (kind === 'killed') kills.set(worker, { index, at })
    if (kind === 'closing') closes.set(worker, { index, at })
    if (kind === 'stopped') add(stops, worker, [index, Infinity])
    if (!orchestral.has(kind) && kind !== 'stood') {
      const isWaking = at - (lastAt.get(worker) ?? at) > shortestStopMs && stops.has(worker)
      if (isWaking) awakeIn.set(worker, turn)
      const isOfThatTurn = turn !== undefined && awakeIn.get(worker) === turn
      if (kind === 'begin' && (isWaking || isOfThatTurn)) duringWaking.add(index)
      lastAt.set(worker, at)
      lastWords.set(worker, index)
    }
    if (kind === 'continued') stops.get(worker)!.at(-1)![1] = index
    if (kind === 'lost') add(losses, `${worker} ${execution}`, index)
    if (kind === 'server-fault') outages.push([index, Infinity])
    if (kind === 'server-back') outages.at(-1)![1] = index
  }
  // Whoever is stopped while it writes to a file keeps everybody else from writing, and their event loops wait with them.
  if (store === 'sqlite') outages.push(...[...stops.values()].flat())
  return { kills, closes, lastWords, stops, losses, duringWaking, outages }
}

function causeOf(
  before: Begin,
  next: Begin,
  { kills, stops, closes, lastWords, losses, duringWaking, outages }: Faults,
): RepeatCause | undefined {
  const { worker, execution } = before
  const isSoonAfter = (end: Moment | undefined): boolean =>
    end !== undefined && end.index > next.index && end.at <= next.at + longestUnheardMs
  const isBetween = (index: number): boolean => index > before.index && index < next.index
  const overlaps = ([from, to]: readonly [number, number]): boolean => from < next.index && to > before.index
  if (isBetween(kills.get(worker)?.index ?? -1)) return 'killed'
  // It stood still until it was killed.
  if (kills.has(worker) && lastWords.get(worker)! < next.index) return 'killed'
  if (stops.get(worker)?.some(overlaps) === true) return 'stopped'
  // Others may know before it does, if its event loop stands still: by the store's clock its lease is over.
  if (losses.get(`${worker} ${execution}`)?.some((index) => index > before.index) === true) return 'lease lost'
  if (duringWaking.has(next.index)) return 'stopped before it began'
  // What began while it closed may be handed over in the middle, when the time for that is over.
  if (next.worker !== worker && (closes.get(worker)?.index ?? Infinity) < next.index) return 'closed'
  if (outages.some(overlaps)) return 'store fault'
  // What kept it from renewing its lease may have been over when it began; it ended before it could say that it had lost it.
  const hasEndedUnheard = next.worker !== worker && (isSoonAfter(kills.get(worker)) || isSoonAfter(closes.get(worker)))
  return hasEndedUnheard ? 'lease lost unheard' : undefined
}
