import type { Engine, EngineCapabilities } from '../../core/contracts/engine.ts'

/** An engine to be put to the test. */
export interface EngineConformanceOptions {
  /** Begins the titles of the tests. */
  readonly name: string
  /** What the engine says of itself; what it can't do is skipped, by title. */
  readonly capabilities: EngineCapabilities
  /** Makes a place for wakes that is empty and that no other place sees into: a schema, a prefix. Each test has its own. */
  readonly createSpace: () => EngineSpace | Promise<EngineSpace>
  /** How long a wake takes at most to come back from a process that died, in milliseconds. @default that is not tested */
  readonly comesBackWithinMs?: number | undefined
  /** The same on a server that can go away and come back. Left out, that is not tested. */
  readonly createInterruptibleSpace?: (() => Promise<InterruptibleEngineSpace>) | undefined
}

/** A place for wakes. */
export interface EngineSpace {
  /** Makes an engine for the place, not open yet: called more than once only if the engine is shared. */
  createEngine(): Engine
  /** Ends a process that has an engine, as SIGKILL does: nothing of it reaches the server any more. Needed where `comesBackWithinMs` is given. */
  kill?(engine: Engine): Promise<void>
  /** Removes the data. */
  dispose?(): Promise<void>
}

/** A place for wakes whose server can be away for a while. */
export interface InterruptibleEngineSpace extends EngineSpace {
  /** The server goes away: connections break, and new ones are refused. */
  goAway(): Promise<void>
  /** The server is there again. */
  comeBack(): Promise<void>
}
