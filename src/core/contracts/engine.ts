/** A hint that an execution is ready: a process with a free slot in its queue should look into the store. */
export interface Wake {
  /** The execution's id, whatever characters it has. */
  readonly id: string
  /** The execution's epoch: hints of one epoch say the same, one of a later epoch says something new. */
  readonly epoch: number
  /** The queue that the execution is in. */
  readonly queue: string
}

/**
 * What became of a delivered wake. `done`: nothing is left to do for it. `again`: this process gives it up before it did anything for it, and another one
 * is to get it.
 */
export type PermitOutcome = 'done' | 'again'

/**
 * What a wake is delivered to. It is a permit to run one execution of the queue, whichever comes next by the store, not only the one that it names; its
 * promise settles when that waits, is another process's, or has ended (that may still be on its way to the store), or at once where there is none. The engine counts the permit as in use until then.
 * It never rejects. `signal` is aborted when the consumer is closed: then it settles soon.
 */
export type UsePermit = (id: string, signal: AbortSignal) => Promise<PermitOutcome>

/** A process that takes wakes of one queue. */
export interface EngineConsumer {
  /** How many permits may be in use from now on; with 0, it takes none. Those in use stay. */
  resize(slots: number): void
  /** Takes no more; resolves when no permit is in use any more, and what was given back can be delivered to others. */
  close(): Promise<void>
}

/** What an engine can do beyond what every engine can: an engine that only loses wakes is a correct one. */
export interface EngineCapabilities {
  /** Whether wakes reach consumers of other processes. */
  readonly isShared: boolean
  /** Whether every wake is delivered, as long as the engine's server is there and there is a consumer; else some are lost. */
  readonly delivers: boolean
  /** Whether a wake waits for a consumer that comes later, and comes back from one that dies. */
  readonly keepsWakes: boolean
  /** Whether wakes of one execution and epoch that nobody has taken are one, and those that come meanwhile are one more. */
  readonly deduplicates: boolean
  /** Whether a consumer never has more permits in use than it has slots; else there may be a few more. */
  readonly countsExactly: boolean
}

/** What an engine is given by those who use it. */
export interface EngineHost {
  /** Takes failures of what nobody waits for. */
  report(error: unknown): void
}

/**
 * Brings processes to look into the store as soon as something is ready there: to one with a free slot rather than to all. The store is the truth: it judges
 * which execution is next, and a wake that is lost, doubled, early or late changes nothing but when that is seen.
 */
export interface Engine {
  /** Names the kind of engine in errors: `bullmq`. */
  readonly name: string
  /** What the engine can do beyond what every engine can. */
  readonly capabilities: EngineCapabilities

  /**
   * Connects. May be called again where it failed, and by several users: each closes it once, and the last one ends it.
   * @throws (as rejection) EngineError; with `isTransient`, trying again may help
   */
  open(host: EngineHost): Promise<void>
  /** Hands wakes over. Never rejects, and resolves within seconds, whatever has become of the engine's server: what it can't hand over then is lost. */
  wake(wakes: readonly Wake[]): Promise<void>
  /**
   * How many wakes of a queue wait for a consumer; 0 where that can't be said. Never rejects, and takes as little time as to hand one over. Where many wait, each brings a
   * process to look, and none of it is free: to hand over more would only be work. @default not known: all are handed over
   */
  waiting?(queue: string): Promise<number>
  /** Takes wakes of a queue, at most `slots` at a time. @throws (as rejection) EngineError; with `isTransient`, trying again may help */
  consume(queue: string, slots: number, use: UsePermit): Promise<EngineConsumer>
  /** Lets go of it. Consumers are closed before; with the last user, connections end. */
  close(): Promise<void>
}
