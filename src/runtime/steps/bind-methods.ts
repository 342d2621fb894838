/**
 * Lets the methods of a class be taken out of its instances, as users' functions take what they need out of their context:
 * `({ order }, { step, sleep }) => …`. Each is bound when it is first read; one that nobody reads costs nothing.
 */
export function bindMethods({ prototype }: { readonly prototype: object }): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (typeof value !== 'function' || name === 'constructor') continue
    const method = value as (...given: unknown[]) => unknown
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: object) {
        if (this === prototype) return method
        const bound = method.bind(this)
        Object.defineProperty(this, name, { value: bound })
        return bound
      },
    })
  }
}
