import type { StoreCalled } from '../../core/contracts/observed-docket.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { FullClock } from '../environment/clock.ts'
import { isPromise } from '../../core/own-promise.ts'

type Method = (...args: readonly unknown[]) => unknown

/** The same store, of which it is reported how long each call takes, and what it fails with. */
export function measuredStore(
  store: Store,
  clock: Pick<FullClock, 'elapsed'>,
  onCalled: (call: StoreCalled) => void,
): Store {
  const methods = new Map<PropertyKey, { readonly of: Method; readonly measured: Method }>()
  const measured =
    (operation: string, of: Method): Method =>
    (...args) => {
      const since = clock.elapsed()
      const end = (error?: unknown): void =>
        onCalled({ type: 'store.called', operation, durationMs: clock.elapsed() - since, error })
      let answer: unknown
      try {
        answer = Reflect.apply(of, store, args)
      } catch (error) {
        end(error)
        throw error
      }
      if (!isPromise(answer)) return answer
      answer.then(() => end(), end)
      return answer
    }
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || typeof name !== 'string') return value
      const known = methods.get(name)
      if (known?.of === value) return known.measured
      const method = measured(name, value as Method)
      methods.set(name, { of: value as Method, measured: method })
      return method
    },
  })
}
