import type { Store } from '../../src/core/contracts/store.ts'
import { StoreError } from '../../src/index.ts'

/** One call of a store, as it was asked. */
export interface StoreCall {
  readonly name: string
  readonly given: readonly unknown[]
}

/** A store whose calls are kept, may be held up or refused before they reach it, and whose answers may come late. */
export class WatchedStore {
  readonly calls: StoreCall[] = []
  /** Called before each call: what it throws, the caller gets; what it promises, the call waits for. */
  before: (call: StoreCall) => void | Promise<void> = () => {}
  /** Called once the store has answered: the answer waits for what it promises. */
  after: (call: StoreCall) => void | Promise<void> = () => {}
  readonly store: Store

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        const method = value as (...all: unknown[]) => unknown
        return async (...given: unknown[]): Promise<unknown> => {
          const call = { name: String(key), given }
          this.calls.push(call)
          await this.before(call)
          // A connection of its own: when it is closed, those of others stay open.
          if (key === 'close') return undefined
          const answer = await method.apply(target, given)
          await this.after(call)
          return answer
        }
      },
    })
  }

  /** Lets no call through any more: each fails as a lost connection does. */
  cut(): void {
    this.before = () => {
      throw outage()
    }
  }

  mend(): void {
    this.before = () => {}
  }

  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length
  }
}

/** What a lost connection is told with. */
export function outage(): StoreError {
  return new StoreError('test', 'the connection was lost', true)
}

/** What a value is refused with. */
export function refusal(): StoreError {
  return new StoreError('test', 'the value was refused', false)
}

/** Whether a commit writes a record of this step in one of these statuses. */
export function writes(call: StoreCall, step: string, statuses: readonly string[] = ['completed']): boolean {
  if (call.name !== 'commit') return false
  const commits = call.given[0] as readonly {
    readonly steps: readonly { readonly step: string; readonly status: string }[]
  }[]
  return commits.some(({ steps }) => steps.some((one) => one.step === step && statuses.includes(one.status)))
}
