/** How the process that answers does, with its store and its engine. */
export interface FleetHealth {
  readonly isAlive: boolean
  readonly isReady: boolean
  /** Why it is not alive or not ready, in sentences. */
  readonly problems: readonly string[]
  /** How long the store took to answer, in milliseconds; absent where it did not. */
  readonly storeMs?: number
  /** The engine, where there is one: whether it brings what is ready, and with what it failed in the last minute. */
  readonly engine?: { readonly name: string; readonly delivers: boolean; readonly problem?: string }
  /** What is declared here, and what others have declared instead, in sentences. */
  readonly overruled: readonly string[]
}

/** Everything that runs executions, and what stands ready for it. */
export interface FleetView {
  readonly workers: readonly {
    readonly id: string
    readonly name: string
    readonly version?: string
    readonly startedAt?: string
    readonly seenAt?: string
    /** How many executions it runs; absent where there are too many to count them for each page. */
    readonly running?: number
    readonly queues: Readonly<Record<string, number>>
  }[]
  readonly queues: readonly {
    readonly name: string
    readonly isPaused: boolean
    readonly ready: number
    readonly running: number
    readonly oldestReadyMs?: number
    /** In words: `4 at once, 10 in 1m`; none where nothing limits it. */
    readonly limits?: string
  }[]
  readonly schedules: readonly {
    readonly name: string
    readonly graph: string
    readonly target: string
    readonly isPaused: boolean
    readonly nextAt?: string
    readonly lastAt?: string
    readonly cadence: string
  }[]
  readonly health: FleetHealth
  /** Executions that nobody here can go on with, the newest first, a hundred at most. */
  readonly incompatible: readonly { readonly id: string; readonly reasons: readonly string[] }[]
}
