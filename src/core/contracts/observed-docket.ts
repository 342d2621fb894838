/** A call of a docket's store has come to its end. */
export interface StoreCalled {
  /** Which event it is. */
  readonly type: 'store.called'
  /** The method of the store contract. */
  readonly operation: string
  /** How long it took, in milliseconds of steady time. */
  readonly durationMs: number
  /** What it failed with; undefined where it did not. */
  readonly error: unknown
}

/** An engine has brought a process to look into the store. */
export interface WakeUsed {
  /** Which event it is. */
  readonly type: 'wake.used'
  /** The queue's name. */
  readonly queue: string
  /** Whether there was an execution to go on with. */
  readonly result: 'found' | 'empty'
}

/** Something kept the event loop of a docket's process from turning for longer than its lease allows. */
export interface ProcessBlocked {
  /** Which event it is. */
  readonly type: 'process.blocked'
  /** For how long. */
  readonly durationMs: number
}

/** An execution was started for a nominal time of a schedule. */
export interface ScheduleFired {
  /** Which event it is. */
  readonly type: 'schedule.fired'
  /** The schedule's name. */
  readonly schedule: string
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** The nominal time, in milliseconds since the epoch. */
  readonly nominalTime: number
  /** How long after it that was done, in milliseconds, by the store's clock. */
  readonly lagMs: number
}

/** What happens in a docket's process besides executions. */
export type ProcessEvent = StoreCalled | WakeUsed | ProcessBlocked | ScheduleFired

/** Under this a docket shows itself as observers see it: the same in every copy of the package. */
export const observedDocket: unique symbol = Symbol.for('docket.observedDocket.1')

/** A docket that shows itself. */
export interface ObservableDocket {
  readonly [observedDocket]: ObservedDocket
}

/** A docket, as its observers see it. */
export interface ObservedDocket {
  /** The same for all dockets that use one store in this process. */
  readonly store: object
  /** The queues that the docket was given by name. */
  readonly queues: readonly string[]
  /** Reads of the store how queues and processes are, whoever they belong to. @throws (as rejection) StoreError; DocketClosedError for good */
  fleet(queues: readonly string[]): Promise<Fleet>
}

/** What a store says of queues and of the processes that live. */
export interface Fleet {
  /** Of those that were named, and of those that living processes serve. Counts end at 10,000. */
  readonly queues: readonly FleetQueue[]
}

/** One queue, whoever serves it. */
export interface FleetQueue {
  /** The queue's name. */
  readonly queue: string
  /** What a process with a free slot could go on with now. */
  readonly ready: number
  /** For how long the oldest of that has been there, in milliseconds; 0 where nothing is. */
  readonly oldestReadyMs: number
  /** What living processes run, or hold. */
  readonly running: number
  /** What waits for a time that has come. */
  readonly overdue: number
  /** The slots of all living processes. */
  readonly slots: number
}
