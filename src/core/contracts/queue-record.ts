/** The queue of executions that name none. */
export const defaultQueue = 'default'

/** How many executions of a queue may run at the same time. */
export interface QueueConcurrency {
  /** How many, counted from the executions that a living process owns. */
  readonly limit: number
  /** Whether the limit counts for each key by itself; executions without a key share one. */
  readonly isPerKey: boolean
}

/** How many executions of a queue may begin in a time. One that goes on has begun already. */
export interface QueueRate {
  /** How many may begin within `perMs`. */
  readonly limit: number
  /** The time that `limit` is for, in milliseconds. */
  readonly perMs: number
  /** How many may begin at the same moment, after a time in which none has. */
  readonly burst: number
}

/** What limits a queue. */
export interface QueueLimits {
  /** @default any number */
  readonly concurrency?: QueueConcurrency | undefined
  /** @default as fast as there are slots */
  readonly rate?: QueueRate | undefined
}

/** The limits that processes declare. */
export interface DeclaredLimits {
  /** Of two declarations the one with the higher version holds; of equal ones, the one that was made last. */
  readonly version: number
  /** What they say; empty where they say that there are none. */
  readonly limits: QueueLimits
}

/** What holds for a queue in all processes. */
export interface QueueState {
  /** The queue's name. */
  readonly queue: string
  /** Since when it has been paused: nothing of it is acquired. Undefined while it is not. */
  readonly pausedAt: number | undefined
  /** Why it is paused, for people. */
  readonly note: string | undefined
  /** What processes have declared. */
  readonly declared: DeclaredLimits | undefined
  /** What an operator has set: each of these stands above the declared one. */
  readonly limits: QueueLimits | undefined
}

/** A queue's state, and how its rate stands. */
export interface QueueStanding extends QueueState {
  /** When the next execution would begin by the rate, if all were evenly spaced, in milliseconds since the epoch by the store's clock: so many earlier as `burst` lets. 0 where none has begun. */
  readonly freeAt: number
}

/** A change of a queue's state: each part that is there is changed. */
export interface QueueChange {
  /** The queue's name. */
  readonly queue: string
  /** When, in milliseconds since the epoch. */
  readonly at: number
  /** Pauses it, or lets it go on with `null`. A queue that is paused stays so since it was, with the new note. */
  readonly pause?: { readonly note?: string | undefined } | null
  /** What an operator sets; `null` takes it away. */
  readonly limits?: QueueLimits | null
  /** What a process declares; without effect where the version that is there is higher. */
  readonly declared?: DeclaredLimits
}

/** What became of a change: the state before it and after it. */
export interface QueueChanged {
  /** Undefined where there was none. */
  readonly before: QueueState | undefined
  /** What holds now. */
  readonly after: QueueState
}

/** Whose backlog to count. */
export interface BacklogRequest {
  /** The queue's name. */
  readonly queue: string
  /** Counts go up to it: so they cost no more the more there is. */
  readonly upTo: number
  /** Counts what has this key only; '' for what has none. @default all of the queue */
  readonly key?: string | undefined
}

/** The keys of a queue of which the backlog is requested, each once. */
export function requestedKeys(requests: readonly BacklogRequest[], of: string): string[] {
  return [...new Set(requests.flatMap(({ queue, key }) => (queue === of && key !== undefined ? [key] : [])))]
}

/** What a queue has, whoever serves it. A count that has come to `upTo` may be higher. */
export interface QueueBacklog {
  /** What a process could go on with now: what nobody owns and is not parked, or the owner of which has died. */
  readonly ready: number
  /** What living processes own. */
  readonly running: number
  /** What is parked, for a time or a message. */
  readonly waiting: number
  /** Of what is parked, what is due: a timer, or the time at which it may begin. */
  readonly overdue: number
  /** When the oldest of what is ready was created; undefined where nothing is. */
  readonly oldestReadyAt: number | undefined
}

/** Keeps what holds for queues in all processes. */
export interface QueueStore {
  /** The states of queues, in the order of the names; undefined for each of which nothing was ever said. */
  readQueues(queues: readonly string[]): Promise<readonly (QueueStanding | undefined)[]>
  /** Changes the states of queues, one after the other: each change sees the ones before. */
  changeQueues(changes: readonly QueueChange[]): Promise<readonly QueueChanged[]>
  /**
   * Names of queues that are paused or limited, or have something unfinished, up to so many, in no order: found by the places of the queues, not by all that stands in
   * them. Of what processes own, those of the first ten thousand executions may be enough.
   */
  queueNames(limit: number): Promise<readonly string[]>
  /** What queues have, in the order of the requests. */
  backlog(requests: readonly BacklogRequest[]): Promise<readonly QueueBacklog[]>
  /** Keys of what is still to begin in a queue and may, in their order, behind one of them; '' is that of what has none. */
  readyKeys(queue: string, after: string | undefined, limit: number): Promise<readonly string[]>
}
