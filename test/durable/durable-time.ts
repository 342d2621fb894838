import { createDocket } from '../../src/index.ts'
import type { Docket, DocketOptions, ExecutionEvent } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { VirtualTime } from '../runtime/virtual-time.ts'

/** A virtual clock on which turns of the event loop end as microtasks do. */
export class DurableTime extends VirtualTime {
  setImmediate(handler: () => void): void {
    queueMicrotask(handler)
  }
}

/** A store, a clock, and as many processes as a test wants. */
export class World {
  readonly clock = new DurableTime()
  readonly store: Store = memoryStore({
    now: () => this.clock.now(),
    elapsed: () => this.clock.elapsed(),
  })
  readonly events: ExecutionEvent[] = []
  #processes = 0

  /** A docket as a process of its own would have it. */
  process(options: Omit<DocketOptions, 'store'> & { readonly store?: Store }): Docket {
    return createDocket({
      store: this.store,
      clock: this.clock,
      name: `process-${++this.#processes}`,
      observers: [(event) => void this.events.push(event)],
      ...options,
    })
  }

  /**
   * A process whose connection to the store is cut when it `dies`: from outside, that is what a crash looks like. While it is stalled, its
   * calls wait, and it looks like one whose machine sleeps.
   */
  mortal(
    options: Omit<DocketOptions, 'store' | 'clock'>,
    inner: Store = this.store,
  ): { readonly docket: Docket; die(): void; stall(): void; wake(): void } {
    let isDead = false
    let stalled: PromiseWithResolvers<void> | undefined
    const store = new Proxy(inner, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        return (...given: unknown[]): unknown => {
          const call = (): unknown =>
            isDead ? new Promise(() => {}) : (value as (...all: unknown[]) => unknown).apply(target, given)
          return stalled === undefined ? call() : stalled.promise.then(call)
        }
      },
    })
    const docket = this.process({ ...options, store })
    return {
      docket,
      die: () => void (isDead = true),
      stall: () => void (stalled ??= Promise.withResolvers()),
      wake() {
        stalled?.resolve()
        stalled = undefined
      },
    }
  }
}
