import type { LogLine } from '../chaos-log.ts'
import { callsPerCustomer, customerOf, inDefault, perKeyOfPress } from './versioned-graphs.ts'
import { closeDeadlineMs } from './versioned-worker.ts'

/** What was seen of limits. */
export interface LimitFindings {
  readonly violations: readonly string[]
  /** The most at the same time, by limit: at any time, and since the last fault. */
  readonly most: Readonly<Record<string, number>>
  readonly mostAtTheEnd: Readonly<Record<string, number>>
}

/** A step that has begun, and what it counts for. */
interface Open {
  readonly line: LogLine
  readonly groups: readonly Group[]
}

interface Group {
  readonly name: 'calls' | 'default' | 'press'
  readonly id: string
  /** What is counted: attempts, or executions. */
  readonly unit: string
}

const limits = { calls: callsPerCustomer, default: inDefault, press: perKeyOfPress }

/** Clocks of one machine, and a line that is written a moment after what it says. */
const slackMs = 100
/** What a process that was stopped begins when it wakes up, before it has heard that its lease is over. */
const awakeMs = 1_000

/**
 * Whether more ran at the same time than limits say. What a process had that was killed is free at once, where the store sees its connection end; what one had that
 * stood still, once its lease may be over. A function goes on for a moment after its process has lost its lease: after that it counts no more.
 */
export function limitsIn(lines: readonly LogLine[], leaseMs: number): LimitFindings {
  const faults = new Faults(lines, leaseMs)
  const violations: string[] = []
  const most: Record<string, number> = {}
  const mostAtTheEnd: Record<string, number> = {}
  const open = new Map<string, Open>()
  for (const line of lines) {
    const { kind, worker, execution, at } = line
    if (kind === 'end' || kind === 'fail') open.delete(keyOf(line))
    if (kind === 'lost')
      for (const [key, { line: begun }] of open)
        if (begun.worker === worker && begun.execution === execution) open.delete(key)
    if (kind !== 'begin' || faults.hasJustWoken(worker, at)) continue
    const begun = { line, groups: groupsOf(line) }
    open.set(keyOf(line), begun)
    for (const { name, id } of begun.groups) {
      const counted = new Map<string, LogLine>()
      for (const { line: other, groups } of open.values())
        for (const group of groups)
          if (group.id === id && (other === line || faults.isHeld(other, at))) counted.set(group.unit, other)
      most[name] = Math.max(most[name] ?? 0, counted.size)
      if (at > faults.lastAt + leaseMs) mostAtTheEnd[name] = Math.max(mostAtTheEnd[name] ?? 0, counted.size)
      if (counted.size > limits[name])
        violations.push(
          `${id}: ${counted.size} at the same time, at ${at}: ${[...counted.values()].map((one) => `${one.worker} ${one.execution} ${one.step} since ${one.at}`).join('; ')}`,
        )
    }
  }
  return { violations, most, mostAtTheEnd }
}

function keyOf({ worker, execution, step, attempt }: LogLine): string {
  return `${worker} ${execution} ${step} ${attempt}`
}

function groupsOf(line: LogLine): readonly Group[] {
  const { step, execution, seed } = line
  if (step === 'Render')
    return [{ name: 'press', id: `press ${customerOf(numberOfOrder(execution!))}`, unit: execution! }]
  const inQueue: Group = { name: 'default', id: 'default', unit: execution! }
  return step === 'Call' ? [inQueue, { name: 'calls', id: `calls ${customerOf(seed!)}`, unit: keyOf(line) }] : [inQueue]
}

/** The number of the order that an execution is, or is a child of. */
function numberOfOrder(execution: string): number {
  return Number(/^x(\d+)/.exec(execution)![1])
}

type Span = readonly [from: number, to: number]

/** What happened to processes and store, by the clock. */
class Faults {
  readonly #leaseMs: number
  readonly #killedAt = new Map<string, number>()
  readonly #closingAt = new Map<string, number>()
  readonly #stops = new Map<string, [number, number][]>()
  readonly #outages: [number, number][] = []
  /** When the last of them was over. */
  lastAt = 0

  constructor(lines: readonly LogLine[], leaseMs: number) {
    this.#leaseMs = leaseMs
    for (const { kind, worker, at, n } of lines) {
      const stops = this.#stops.get(worker) ?? []
      this.#stops.set(worker, stops)
      if (kind === 'killed') this.#killedAt.set(worker, at)
      else if (kind === 'closing') this.#closingAt.set(worker, at)
      else if (kind === 'stopped') stops.push([at, Infinity])
      else if (kind === 'continued') stops.findLast(([, to]) => to === Infinity)![1] = at
      else if (kind === 'stood') stops.push([at - n!, at])
      else if (kind === 'server-fault') this.#outages.push([at, Infinity])
      else if (kind === 'server-back') this.#outages.at(-1)![1] = at
      else continue
      // Orderly ends at the very end are none.
      if (kind !== 'closing') this.lastAt = at
    }
  }

  /** Whether what has begun holds its slot still, for certain. */
  isHeld({ worker, at: begunAt }: LogLine, at: number): boolean {
    if ((this.#killedAt.get(worker) ?? Infinity) < at + slackMs) return false
    if ((this.#closingAt.get(worker) ?? Infinity) + closeDeadlineMs < at + slackMs) return false
    if (this.#outages.some(([from, to]) => from < at + slackMs && to + this.#leaseMs > begunAt)) return false
    return !this.#longStops(worker).some(([from, to]) => to > begunAt && from + this.#safeMs < at)
  }

  hasJustWoken(worker: string, at: number): boolean {
    return this.#longStops(worker).some(([, to]) => to - slackMs < at && at < to + awakeMs)
  }

  /** A lease is renewed when a third of it is over. */
  get #safeMs(): number {
    return (this.#leaseMs * 2) / 3 - slackMs
  }

  #longStops(worker: string): readonly Span[] {
    return (this.#stops.get(worker) ?? []).filter(([from, to]) => to - from > this.#safeMs)
  }
}
