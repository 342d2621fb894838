import type { Store } from '../../src/core/contracts/store.ts'

/** A store of which some calls are answered otherwise. */
export function alteredStore(
  store: Store,
  answer: (method: string, ask: () => unknown, given: readonly unknown[]) => unknown,
): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown =>
        answer(String(key), () => (value as (...more: unknown[]) => unknown).apply(target, given), given)
    },
  })
}
