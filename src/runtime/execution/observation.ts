import type { Observer, ObserverObject } from '../../core/contracts/observer.ts'
import type { ExecutionLife, LifeObserver, LifeRecord } from '../../core/contracts/execution-life.ts'
import { warnOnce } from '../environment/warn-once.ts'

type Within = NonNullable<LifeObserver['within']>
type Headers = ExecutionLife['headers']

/** What the observers of an execution have made of one life of it. */
export interface Observation {
  /** Those that get its events. */
  readonly receivers: readonly Observer[]
  /** Of each of these, the observer that has given it for this life, or itself. By its place: a WeakMap of what lives as shortly takes the garbage collector longer than all the rest. */
  readonly owners: readonly Observer[]
  /** Calls what begins the work of an attempt; undefined where nobody stands around that. */
  readonly within: Within | undefined
  /** Whether that puts the same into the async context of every attempt. */
  readonly entersOnce: boolean
}

/** What is on record as a life begins, with what all observers keep, by the names under which they do. */
export interface WholeRecord extends Omit<LifeRecord, 'kept' | 'keep'> {
  readonly kept: ReadonlyMap<string, string>
  keep(name: string, text: string): void
}

interface WholeLife extends Omit<ExecutionLife, 'key' | 'record'> {
  readonly record: WholeRecord | undefined
}

/** The events of each step that goes well, and the emitter's methods that make them. */
const emitting = [
  ['step.started', 'stepStarted'],
  ['attempt.started', 'attemptStarted'],
  ['step.ended', 'stepEnded'],
  ['cache.hit', 'cacheChecked'],
] as const

/**
 * Those methods of an emitter whose events nobody gets, or all do without: to make the events of each step only to drop them costs as much as to make them for
 * somebody.
 */
export function unheardBy(receivers: readonly Observer[]): readonly (typeof emitting)[number][1][] {
  // Most do without nothing, and this is for each execution.
  if (!receivers.every(savesSomething)) return none
  const methods: (typeof emitting)[number][1][] = []
  for (const [type, method] of emitting) if (receivers.every((one) => doesWithout(one, type))) methods.push(method)
  return methods
}

const none: ReturnType<typeof unheardBy> = []

function savesSomething(observer: Observer): boolean {
  return typeof observer === 'object' && observer.doesWithout !== undefined
}

function doesWithout(observer: Observer, type: (typeof emitting)[number][0]): boolean {
  return typeof observer === 'object' && observer.doesWithout?.includes(type) === true
}

/** Lets observers say what they do for a life; undefined where none has anything to say. What they throw is reported, and then they get its events. */
export function observationOf(observers: readonly Observer[], lifeOf: () => WholeLife): Observation | undefined {
  if (!observers.some(observesLives)) return undefined
  const life = lifeOf()
  const receivers: Observer[] = []
  const owners: Observer[] = []
  const key = {}
  const arounds: Within[] = []
  let entersOnce = true
  const seen = new Set<Observer>()
  for (const observer of observers) {
    // That of a graph may be that of its docket too: it observes a life once.
    if (observesLives(observer) && seen.size === seen.add(observer).size) continue
    const own = typeof observer === 'function' ? undefined : observedBy(observer, key, life)
    if (own === undefined || own.next !== undefined) {
      receivers.push(own === undefined ? observer : (own as ObserverObject))
      owners.push(observer)
    }
    if (own?.within === undefined) continue
    arounds.push(harmless(observer, own))
    entersOnce &&= own.entersOnce === true
  }
  return { receivers, owners, within: joined(arounds), entersOnce }
}

function observesLives(observer: Observer): boolean {
  return typeof observer === 'object' && observer.observe !== undefined
}

function observedBy(observer: ObserverObject, key: object, life: WholeLife): LifeObserver | undefined {
  const { executionId, graph, target, hasDeclaredNames, headers, parent, at, record } = life
  const own = record && recordFor(observer, record)
  try {
    return observer.observe?.({ key, executionId, graph, target, hasDeclaredNames, headers, parent, at, record: own })
  } catch (thrown) {
    warnOnce(observer, 'a Docket observer', thrown)
    return undefined
  }
}

/** What other observers keep is none of its business. */
function recordFor({ keepsAs }: ObserverObject, record: WholeRecord): LifeRecord {
  const { owner, epoch, queue, createdAt, startedAt, startAt, after, kept, keep } = record
  return {
    owner,
    epoch,
    queue,
    createdAt,
    startedAt,
    startAt,
    after,
    kept: keepsAs === undefined ? undefined : kept.get(keepsAs),
    keep: (text) => void (keepsAs !== undefined && keep(keepsAs, text)),
  }
}

/** The first one outermost. */
function joined(arounds: readonly Within[]): Within | undefined {
  const [first, ...rest] = arounds
  if (first === undefined) return undefined
  const inner = joined(rest)
  return inner === undefined ? first : (attempt, begin) => first(attempt, () => inner(attempt, begin))
}

/** Whatever the observer does, the work begins once. */
function harmless(observer: Observer, own: LifeObserver): Within {
  return (attempt, begin) => {
    let hasBegun = false
    const once = (): void => {
      if (hasBegun) return
      hasBegun = true
      begin()
    }
    try {
      own.within!(attempt, once)
    } catch (thrown) {
      warnOnce(observer, 'a Docket observer', thrown)
    }
    once()
  }
}

/** Headers with which something goes out, once all observers have had their say. */
export function outgoingHeaders(observers: readonly Observer[], headers: Headers, by: 'call' | 'step'): Headers {
  let changed = headers
  for (const observer of observers) {
    if (typeof observer === 'function' || observer.outgoing === undefined) continue
    try {
      changed = observer.outgoing(changed, by)
    } catch (thrown) {
      warnOnce(observer, 'a Docket observer', thrown)
    }
  }
  return changed
}
