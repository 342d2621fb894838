/**
 * The language's own Promise, which async functions return. A program may have put another class in the place of the global one: zone.js
 * and bluebird do, and some set-ups of tests. What the code makes by `Promise.all` and the like is one of that class then.
 */
const OwnPromise = (async () => {})().constructor as PromiseConstructor

/** Whether something that was made here is late: a promise, of whatever class. What users return may be any thenable. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof OwnPromise || (Promise !== OwnPromise && value instanceof Promise)
}

/** As `Promise.withResolvers`, which other classes may not have. */
export function withResolvers<Value = void>(): PromiseWithResolvers<Value> {
  return OwnPromise.withResolvers()
}
