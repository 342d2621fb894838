import { AsyncLocalStorage } from 'node:async_hooks'

/** The run of a durable function in one of whose calls the code is. */
const callers = new AsyncLocalStorage<object>()

/** The function of a `ctx.step`, so that verbs which it calls know where they are. */
export function calledIn<Call, Value>(frame: object, run: (call: Call) => Value): (call: Call) => Value {
  return (call) => callers.run(frame, () => run(call))
}

/** Whether this is called by the function of a `ctx.step` of that run: a verb there would be on record of no other run, where the function is not called. */
export function isWithinCall(frame: object): boolean {
  return callers.getStore() === frame
}
