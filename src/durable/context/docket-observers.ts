import type { ExecutionLife } from '../../core/contracts/execution-life.ts'
import type { ProcessEvent } from '../../core/contracts/observed-docket.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import type { Observer, ObserverObject } from '../../core/contracts/observer.ts'
import { processListener } from './process-listener.ts'

/** What observes the executions of a docket: those that it was given, and those that come and go while it lives, for all executions or for one. */
export class DocketObservers {
  #onProcess: ((event: ProcessEvent) => void) | undefined
  #all: readonly Observer[]
  readonly #ofOne = new Map<string, readonly Observer[]>()

  constructor(given: readonly Observer[] = []) {
    this.#all = given
    this.#onProcess = processListener(given)
  }

  /** Reports what happens in this process besides executions; undefined where nobody observes that. */
  get onProcess(): ((event: ProcessEvent) => void) | undefined {
    return this.#onProcess
  }

  /** Those of all executions. */
  get all(): readonly Observer[] {
    return this.#all
  }

  /** Those of one execution. */
  of(id: string | undefined): readonly Observer[] {
    const own = id === undefined || this.#ofOne.size === 0 ? undefined : this.#ofOne.get(id)
    return own === undefined ? this.#all : [...this.#all, ...own]
  }

  /** One more, for what begins from now on; what it gives takes it off: from then on it gets nothing, of what has begun neither. */
  add(observer: Observer, id?: string): () => void {
    let isOn = true
    const guarded: Observer =
      typeof observer === 'function'
        ? (event) => {
            // Its promise is looked after where events are delivered.
            if (isOn) return observer(event)
          }
        : guardedObject(observer, () => isOn)
    if (id === undefined) this.#setAll([...this.#all, guarded])
    else this.#ofOne.set(id, [...(this.#ofOne.get(id) ?? []), guarded])
    return () => {
      if (!isOn) return
      isOn = false
      if (id === undefined) this.#setAll(this.#all.filter((one) => one !== guarded))
      else this.#takeOff(id, guarded)
    }
  }

  #setAll(observers: readonly Observer[]): void {
    this.#all = observers
    this.#onProcess = processListener(observers)
  }

  #takeOff(id: string, guarded: Observer): void {
    const left = (this.#ofOne.get(id) ?? []).filter((one) => one !== guarded)
    if (left.length > 0) this.#ofOne.set(id, left)
    else this.#ofOne.delete(id)
  }
}

/** Everything that an observer does for executions, as long as it is on. */
function guardedObject(observer: ObserverObject, isOn: () => boolean): ObserverObject {
  return {
    next: (event) => {
      if (isOn()) return observer.next(event)
    },
    ...(observer.observe !== undefined && {
      observe: (life: ExecutionLife) => {
        if (!isOn()) return {}
        const own = observer.observe!(life)
        if (own?.next === undefined) return own
        const { doesWithout, entersOnce } = own
        const within = own.within?.bind(own)
        return { doesWithout, within, entersOnce, next: (event) => void (isOn() && own.next!(event)) }
      },
    }),
    ...(observer.doesWithout !== undefined && { doesWithout: observer.doesWithout }),
    ...(observer.logger !== undefined && { logger: guardedLogger(observer.logger, isOn) }),
    ...(observer.keepsAs !== undefined && { keepsAs: observer.keepsAs }),
    ...(observer.outgoing !== undefined && {
      outgoing: (headers, by) => (isOn() ? observer.outgoing!(headers, by) : headers),
    }),
    ...(observer.nextOfProcess !== undefined && {
      nextOfProcess: (event: ProcessEvent) => {
        if (isOn()) observer.nextOfProcess!(event)
      },
    }),
  }
}

/** A logger that says nothing any more once its observer is off. */
function guardedLogger(logger: Logger, isOn: () => boolean): Logger {
  return {
    debug: (fields, message) => void (isOn() && logger.debug(fields, message)),
    info: (fields, message) => void (isOn() && logger.info(fields, message)),
    warn: (fields, message) => void (isOn() && logger.warn(fields, message)),
    error: (fields, message) => void (isOn() && logger.error(fields, message)),
    child: (bindings) => guardedLogger(logger.child(bindings), isOn),
  }
}
