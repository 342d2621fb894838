/** The key of the method by which an object says what `console.log` and `util.inspect` of Node show of it. */
export const inspectKey: unique symbol = Symbol.for('nodejs.util.inspect.custom')
