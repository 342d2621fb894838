const traps = [
  'apply',
  'construct',
  'defineProperty',
  'deleteProperty',
  'get',
  'getOwnPropertyDescriptor',
  'getPrototypeOf',
  'has',
  'isExtensible',
  'ownKeys',
  'preventExtensions',
  'set',
  'setPrototypeOf',
] as const

function refuse(): never {
  throw new Error('a trap')
}

/** A proxy that throws whatever is done with it. */
export function hostile(): object {
  return new Proxy({}, Object.fromEntries(traps.map((trap) => [trap, refuse])))
}

/** An error with a property that can't be read. */
export function throwing(property: string): Error {
  return Object.defineProperty(new Error('has a trap'), property, { get: refuse, enumerable: property === 'field' })
}

/** An error that is its own cause. */
export function round(): Error {
  const error = new Error('goes round')
  error.cause = new Error('and round', { cause: error })
  return error
}

/** Whatever can be thrown that nobody expects. */
export const thrownValues: readonly (readonly [what: string, make: () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['zero', () => 0],
  ['an empty string', () => ''],
  ['a symbol', () => Symbol('thrown')],
  ['a function', () => () => 1],
  ['a bigint', () => 1n],
  ['an object without a prototype', () => Object.create(null) as object],
  ['a frozen object', () => Object.freeze({ is: 'cold' })],
  ['a frozen error', () => Object.freeze(new Error('cold'))],
  ['a proxy that throws in every trap', hostile],
  [
    'a proxy that was revoked',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    },
  ],
  ['an error whose cause is a proxy that throws', () => new Error('outside', { cause: hostile() })],
  ['an aggregate of proxies that throw', () => new AggregateError([hostile(), undefined], 'many')],
  ['an error that causes itself', round],
  ['an error whose message throws when it is read', () => throwing('message')],
  ['an error whose stack throws when it is read', () => throwing('stack')],
  ['an error whose cause throws when it is read', () => throwing('cause')],
  ['an error whose code throws when it is read', () => throwing('code')],
  ['an error whose name throws when it is read', () => throwing('name')],
  ['an error with a field that throws when it is read', () => throwing('field')],
  ['an error whose message is no string', () => Object.assign(new Error(), { message: hostile() })],
  ['an object whose toString throws', () => ({ toString: () => refuse() })],
]
