import type { Observer, ObserverObject } from '../../core/contracts/observer.ts'
import type { ExecutionLife, LifeObserver, LifeRecord } from '../../core/contracts/execution-life.ts'
import { warnOnce } from '../environment/warn-once.ts'

type Within = NonNullable<LifeObserver['within']>
type Headers = ExecutionLife['headers']

/** What the observers of an execution have made of one life of it. */
export interface Observation {
  /** Those that get its events. */
  readonly receivers: readonly Observer[]
  /** Calls what begins the work of an attempt; undefined where nobody stands around that. */
  readonly within: Within | undefined
}

/** What is on record as a life begins, with what all observers keep, by the names under which they do. */
export interface WholeRecord extends Omit<LifeRecord, 'kept' | 'keep'> {
  readonly kept: ReadonlyMap<string, string>
  keep(name: string, text: string): void
}

interface WholeLife extends Omit<ExecutionLife, 'key' | 'record'> {
  readonly record: WholeRecord | undefined
}

/**
 * What takes the place of an emitter's methods where nobody gets its events, of a life that is not sampled: to make the events of each step only to drop them costs
 * as much as to make them for somebody.
 */
export const unheard = { stepStarted() {}, attemptStarted() {}, stepEnded() {}, cacheChecked() {} } as const

const owners = new WeakMap<object, Observer>()

/** The observer that has given the one of a life; any other as it is. */
export function ownerOf(observer: Observer): Observer {
  return owners.get(observer) ?? observer
}

/** Lets observers say what they do for a life; undefined where none has anything to say. What they throw is reported, and then they get its events. */
export function observationOf(observers: readonly Observer[], lifeOf: () => WholeLife): Observation | undefined {
  if (!observers.some(observesLives)) return undefined
  const life = lifeOf()
  const receivers: Observer[] = []
  const arounds: Within[] = []
  const seen = new Set<Observer>()
  for (const observer of observers) {
    // That of a graph may be that of its docket too: it observes a life once.
    if (observesLives(observer) && seen.size === seen.add(observer).size) continue
    const own = typeof observer === 'function' ? undefined : observedBy(observer, receivers, life)
    if (own === undefined) receivers.push(observer)
    else {
      owners.set(own, observer)
      if (own.next !== undefined) receivers.push(own as ObserverObject)
      if (own.within !== undefined) arounds.push(harmless(observer, own))
    }
  }
  return { receivers, within: joined(arounds) }
}

function observesLives(observer: Observer): boolean {
  return typeof observer === 'object' && observer.observe !== undefined
}

function observedBy(observer: ObserverObject, key: object, { record, ...life }: WholeLife): LifeObserver | undefined {
  try {
    return observer.observe?.({ ...life, key, record: record && recordFor(observer, record) })
  } catch (thrown) {
    warnOnce(observer, 'a Docket observer', thrown)
    return undefined
  }
}

/** What other observers keep is none of its business. */
function recordFor({ keepsAs }: ObserverObject, { kept, keep, ...record }: WholeRecord): LifeRecord {
  return {
    ...record,
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
