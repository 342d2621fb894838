import type { Store } from '../../src/core/contracts/store.ts'

/** The same store, that loses its process right before or right after its n-th commit. */
export function fatalAt(inner: Store, n: number, when: 'before' | 'after', die: () => void): Store {
  let commits = 0
  return new Proxy(inner, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      if (key !== 'commit') return value.bind(target) as unknown
      return async (...given: readonly unknown[]): Promise<unknown> => {
        const isFatal = ++commits === n
        if (isFatal && when === 'before') {
          die()
          return new Promise(() => {})
        }
        const answer: unknown = await Reflect.apply(value, target, given)
        if (!isFatal) return answer
        die()
        return new Promise(() => {})
      }
    },
  })
}
