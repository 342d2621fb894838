import type { Places } from '../durable/engine.ts'

/** Those that let worker processes run what others put in. */
export const workerContenders = [
  'Docket by BullMQ on Redis',
  'BullMQ on Redis, with the same bytes beside',
  'Docket on PostgreSQL',
  'Docket by BullMQ on PostgreSQL',
  'DBOS',
  'pg-boss',
  'graphile-worker',
] as const

export type WorkerContender = (typeof workerContenders)[number]

/** Where one round of a contender happens: nobody has used the name before. */
export interface WorkerPlace {
  readonly contender: WorkerContender
  readonly places: Places
  readonly name: string
  readonly slots: number
  /** How long the work of one takes, in milliseconds; 0 for none. */
  readonly workMs: number
  /** What one writes to the store, in bytes: for those that write it by hand. */
  readonly bytes: number
}

/** A process that puts work in. */
export interface WorkStarter {
  /** Puts one in; resolves when it is committed. Gives when, by the machine's clock. */
  start(id: string): Promise<void>
  close(): Promise<void>
}

/** A process that does it. */
export interface WorkDoer {
  /** How many it has done so far, with their results committed. */
  readonly done: number
  /** When it began each one, by the machine's clock in milliseconds. */
  readonly began: ReadonlyMap<string, number>
  close(): Promise<void>
}

/** The machine's time with fractions of milliseconds, the same in all processes. */
export function machineNow(): number {
  return performance.timeOrigin + performance.now()
}
