import { AsyncResource } from 'node:async_hooks'

/**
 * The async context in which it was made: what `AsyncLocalStorage`s hold there. Timers, slots, and equal calls lead to user code from
 * somebody else's context; whoever is about to wait for one of them makes one of these first. It costs some 50 ns, and a call 20.
 */
export class AsyncContext extends AsyncResource {
  constructor() {
    super('docket')
  }

  /** Calls the function in this context. */
  run<Result>(act: () => Result): Result {
    return this.runInAsyncScope(act)
  }
}

/**
 * The context of no call, as it was when this module was loaded. What a process does for all is done in it: a timer that many share
 * must not keep the context of whoever set it alive, and what was taken over from another process has no caller here.
 */
export const outsideCalls = new AsyncContext()
