import type { Store } from '../../core/contracts/store.ts'
import { createDocket } from '../../durable/docket.ts'
import type { DocketOptions } from '../../durable/context/docket-options.ts'
import type { Docket } from '../../durable/docket.ts'
import type { TestTime } from './test-time.ts'
import { withResolvers } from '../../core/own-promise.ts'

/** What a test process lets its world see of its calls to the store. */
export interface StoreWatcher {
  /** A call begins; the returned function is called once it has its answer. */
  begins(method: string, given: readonly unknown[]): () => void
  /** A call that writes: `write` does it. Whoever watches may let the process die before it, or after it. */
  writes(write: () => unknown, method: string, given: readonly unknown[]): unknown
}

type MethodOf<Contract> = {
  [Name in keyof Contract]-?: NonNullable<Contract[Name]> extends (...args: never) => unknown ? Name : never
}[keyof Contract]

/** Which methods of a store write what an execution comes to; the others read, clean up, or say who has it. */
const commits: Readonly<Record<MethodOf<Store>, boolean>> = {
  create: true,
  commit: true,
  delete: true,
  post: true,
  confirmOutbox: true,
  addActs: true,
  emit: true,
  awaitEvents: true,
  endWaits: true,
  delivered: true,
  addSchedules: true,
  changeSchedules: true,
  takeSchedules: true,
  deleteSchedules: true,
  writeShared: true,
  commitResults: true,
  open: false,
  diagnose: false,
  close: false,
  time: false,
  renewOwner: false,
  endOwner: false,
  readOwners: false,
  readWorkers: false,
  acquire: false,
  get: false,
  list: false,
  count: false,
  listActs: false,
  purgeActs: false,
  overdue: false,
  readSteps: false,
  readCheckpoints: false,
  purge: false,
  readMail: false,
  readReceipts: false,
  listMail: false,
  readOutbox: false,
  undelivered: false,
  oldWaits: false,
  purgeEvents: false,
  getSchedules: false,
  listSchedules: false,
  nextSchedule: false,
  readShared: false,
  oldShared: false,
  readQueues: false,
  changeQueues: false,
  queueNames: false,
  backlog: false,
  readyKeys: false,
  getResults: false,
  claimResults: false,
  purgeResults: false,
  subscribe: false,
}
const isCommit = (method: string): boolean => (commits as Readonly<Record<string, boolean>>)[method] === true

/** One life of a docket: it can die in the middle of anything, as a process does by SIGKILL. */
export class TestProcess {
  readonly docket: Docket
  /** Resolves when it has died. */
  readonly death: Promise<void>
  readonly #inner: Store
  readonly #owners = new Set<string>()
  readonly #stopClock: () => void
  readonly #die: () => void
  /** Ends of its calls to the store that are under way. */
  readonly #open = new Set<() => void>()
  #isDead = false

  constructor(options: DocketOptions, time: TestTime, watcher: StoreWatcher) {
    const { promise, resolve } = withResolvers()
    const clock = time.clock()
    this.death = promise
    this.#die = resolve
    this.#inner = options.store
    this.#stopClock = () => clock.stop()
    this.docket = createDocket({ ...options, clock, store: this.#mortal(options.store, watcher) })
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Nothing of it reaches the store any more; its lease is over at once. */
  async die(): Promise<void> {
    if (this.#isDead) return
    this.#isDead = true
    this.#stopClock()
    for (const ends of this.#open) ends()
    this.#die()
    for (const owner of this.#owners) await this.#inner.endOwner(owner)
  }

  #mortal(inner: Store, watcher: StoreWatcher): Store {
    return new Proxy(inner, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        const method = String(key)
        return async (...given: readonly unknown[]): Promise<unknown> => {
          if (this.#isDead) return new Promise(() => {})
          if (method === 'renewOwner') this.#owners.add(given[0] as string)
          const end = watcher.begins(method, given)
          const ends = (): void => {
            if (this.#open.delete(ends)) end()
          }
          this.#open.add(ends)
          const call = (): unknown => (value as (...all: unknown[]) => unknown).apply(target, [...given])
          try {
            const answer = await (isCommit(method) ? watcher.writes(call, method, given) : call())
            return this.#isDead ? await new Promise(() => {}) : answer
          } finally {
            ends()
          }
        }
      },
    })
  }
}
