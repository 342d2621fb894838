/** Under this the key of a life says that one observer alone stands around its attempts: for observers of another copy of the package, too. */
const loneKey = Symbol.for('docket.loneObserver.1')

/** One observer alone stands around the attempts of a life. @param key the life's */
export function setLone(key: object): void {
  Reflect.set(key, loneKey, true)
}

/** Whether no other observer stands around the attempts of a life, so that none has put anything into their async context. @param key the life's */
export function isLone(key: object): boolean {
  return Reflect.get(key, loneKey) === true
}
