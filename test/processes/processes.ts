import { onTestFinished } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { createDocket } from '../../src/index.ts'
import type { Docket, DocketOptions, ExecutionEvent } from '../../src/index.ts'
import type { Place } from './place.ts'

/** A docket with a client of its own, as a process would have it. */
export interface Process {
  readonly docket: Docket
  readonly events: ExecutionEvent[]
  /** Ids in the order in which this process was given executions, each as often as it was. */
  readonly acquired: string[]
  /** Its connection is cut: from outside, that is what a crash looks like. */
  die(): void
}

/** Calls back at the end of what something belongs to: a test, or several of them. */
export type AtEnd = (end: () => Promise<void> | void) => void

/** Starts one; it is closed when the test is over, or what else calls back. */
export function startProcess(
  place: Place,
  options: Omit<DocketOptions, 'store'>,
  atEnd: AtEnd = onTestFinished,
): Process {
  const inner = place.createStore()
  const events: ExecutionEvent[] = []
  const acquired: string[] = []
  let isDead = false
  const store = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...given: unknown[]) => unknown
      if (key === 'acquire')
        return async (request: Parameters<Store['acquire']>[0]) => {
          const taken = await (isDead ? never() : inner.acquire(request))
          acquired.push(...taken.map(({ execution }) => execution.id))
          return taken
        }
      return (...given: unknown[]): unknown => (isDead ? never() : method(...given))
    },
  })
  const docket = createDocket({
    lease: '1s',
    store,
    observers: [(event) => void events.push(event)],
    ...options,
  })
  atEnd(() => (isDead ? inner.close() : docket.close({ deadline: 0 })))
  return { docket, events, acquired, die: () => void (isDead = true) }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
