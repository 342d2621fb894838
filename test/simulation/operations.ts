import type { SimulatedPlace } from './limits.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { SimulatedKeys } from './start-keys.ts'

/** Something that somebody asked a process for. */
export interface Operation {
  readonly name: string
  readonly kind: string
  readonly id: string
  readonly process: SimulatedProcess
  readonly beganAt: number
  settledAt: number | undefined
  error: unknown
}

/** A handle, whose types are told to the compiler alone. */
export interface LooseHandle {
  readonly id: string
  readonly outcome: string
  update(type: unknown, value: unknown, options: unknown): Promise<unknown>
  detach(): Promise<unknown>
  signal(type: unknown, value: unknown, options: unknown): Promise<string>
  reschedule(timer: string, when: number): Promise<string>
  result(): Promise<unknown>
  cancel(reason?: unknown): Promise<void>
  readonly actor: unknown
}

/** When an execution may begin, and whether whoever starts it may run it at once. */
export interface Beginning {
  readonly inMs?: number | undefined
  readonly eager?: boolean | undefined
  readonly place?: SimulatedPlace | undefined
  readonly keys?: SimulatedKeys | undefined
  /** Values for what steps make, by the types' names. */
  readonly overrides?: Readonly<Record<string, string>> | undefined
}

/** A docket, whose types are told to the compiler alone. */
export interface LooseDocket {
  start(graph: unknown, target: unknown, inputs: unknown, options: unknown): Promise<LooseHandle>
  startBatch(graph: unknown, target: unknown, items: unknown, options: unknown): Promise<LooseHandle>
  get(id: string): Promise<LooseHandle | undefined>
}

/** What an operation may be rejected with. */
export const knownErrors = new Set([
  'StepError',
  'StoreError',
  'ExecutionTimeoutError',
  'ExecutionExpiredError',
  'ExecutionCancelledError',
  'ExecutionConflictError',
  'LeaseLostError',
  'DocketClosedError',
  'OptionError',
  'StepSkippedError',
  'UpdateError',
  'RefusedError',
])
