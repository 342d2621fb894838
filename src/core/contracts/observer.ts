import type { ExecutionEvent } from './events.ts'
import type { Logger } from './logger.ts'
import type { ObservedDocket, ProcessEvent } from './observed-docket.ts'
import type { ExecutionLife, LifeObserver, ObserverEvents } from './execution-life.ts'

/**
 * Gets every event of an execution, synchronously and in order. What it throws never touches the
 * execution. An observer with a `logger` also lends it to `ctx.log`. What else it may have costs nothing where it has it not.
 */
export type Observer = ((event: ExecutionEvent) => void) | ObserverObject

/** An observer with more than a function. */
export interface ObserverObject {
  /** Gets every event, but for those of lives that `observe` has given an observer of their own. */
  next(event: ExecutionEvent): void
  /** What `ctx.log` is made from. @default silence */
  readonly logger?: Logger | undefined
  /** Called before the first event of each life; what it gives takes the place of the observer for that one. @default the observer itself */
  observe?(life: ExecutionLife): LifeObserver | undefined
  /**
   * Types of events that it does without: where all observers of an execution do, they are not made, nor numbered. `cache.hit` stands for `cache.miss` too.
   * @default none
   */
  readonly doesWithout?: ObserverEvents | undefined
  /** The name under which `keep` of a life's record keeps a text; without it, nothing is kept. @default none */
  readonly keepsAs?: string | undefined
  /** Headers with which something goes out that is started, or called, where this is called: another execution, an operation of another service. @default the same */
  outgoing?(headers: Readonly<Record<string, string>>, by: 'call' | 'step'): Readonly<Record<string, string>>
  /** Gets what happens in a docket's process besides executions. @default nothing is measured */
  nextOfProcess?(event: ProcessEvent): void
  /** Called once with each docket that has the observer in its options, or is given it by `observe` for all executions, however often. @default nothing */
  attach?(docket: ObservedDocket): void
}
