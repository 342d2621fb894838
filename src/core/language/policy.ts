import { isRecord } from '../is-record.ts'
import type { Duration } from '../duration.ts'
import type { Store } from '../contracts/store.ts'

/** Milliseconds (or a duration) to wait before the attempt that follows failed attempt number `attempt`, from 1. */
export type Backoff = (attempt: number, random: () => number) => Duration

/** How often a step is tried. */
export interface RetryPolicy {
  /** All attempts, the first included; at least 1. @default 1 */
  readonly maxAttempts?: number
  /** The wait between attempts: `fixed`, `exponential`, any function of the failed attempt's number, or a duration. @default no wait */
  readonly backoff?: Backoff | Duration
  /** Whether this error deserves another attempt. @default every error does */
  readonly retryIf?: (error: unknown) => boolean
}

/**
 * For how long and for whom a result is remembered: one execution, or all with equal inputs. Options have the words themselves in the
 * place of this name, because the compiler then prints them to those who give others.
 */
export type PersistScope = 'execution' | 'global'

/** What is remembered of a step. */
export interface PersistPolicy {
  /** `'execution'`: for the rest of the execution. `'global'`: for all executions with equal inputs. */
  readonly scope: 'execution' | 'global'
  /** How long a result holds. @default unlimited */
  readonly ttl?: Duration
  /** Takes the place of the graph's name in the key, to share results between graphs on purpose. @default the graph's name */
  readonly namespace?: string
  /** Results kept in this process, the least recently used dropped first. @default 10_000 */
  readonly capacity?: number
  /** Where global results of this step are kept. @default the docket's store, else this process's memory */
  readonly store?: Store
  /** What becomes of the step when its store fails: it fails with a StoreError, or it runs, and an event reports it. @default 'fail' */
  readonly onStoreError?: 'fail' | 'run'
}

/**
 * Over which executions a limit holds: those of the process; those of the graph, in all processes of the docket's store; or those of any graph that stand
 * in the same queue of it. Options have the words themselves in the place of this name, because the compiler then prints them to those who give others.
 */
export type LimitScope = 'process' | 'graph' | 'queue'

/** How many attempts of a step run at the same time. */
export interface ConcurrencyPolicy<Inputs = never> {
  /** Attempts at the same time, at least 1. */
  readonly limit: number
  /** Gives each distinct key a limit of its own. @default one limit for the step */
  readonly key?: ((inputs: Inputs) => string) | undefined
  /**
   * Over which executions: of this process, of the graph in all processes, or of the queue, whatever their graph. The latter two need a docket, and the
   * step's result is persisted for its execution then. @default 'process'
   */
  readonly scope?: 'process' | 'graph' | 'queue' | undefined
  /** Where processes declare different limits, the higher version holds; of one version, what was declared last. Not with scope 'process'. @default 0 */
  readonly version?: number | undefined
}

/** How many attempts of a step begin in a period; the others wait for their turn. */
export interface RatePolicy<Inputs = never> {
  /** How many begin in each period, at least 1. */
  readonly limit: number
  /** How long a period is. Attempts are spread over it evenly, but for a burst. */
  readonly per: Duration
  /** How many may begin at once, after a time without any: never more than `limit` × periods + `burst` begin in a time. @default 1 */
  readonly burst?: number | undefined
  /** Gives each distinct key a rate of its own. @default one rate for the step */
  readonly key?: ((inputs: Inputs) => string) | undefined
  /**
   * Over which executions: of this process, of the graph in all processes, or of the queue, whatever their graph. The latter two need a docket, and the
   * step's result is persisted for its execution then. @default 'process'
   */
  readonly scope?: 'process' | 'graph' | 'queue' | undefined
  /** Where processes declare different rates, the higher version holds; of one version, what was declared last. Not with scope 'process'. @default 0 */
  readonly version?: number | undefined
}

/** Whether a limit is kept in the store, for all processes. */
export function isShared(limit: { readonly scope?: string | undefined } | undefined): boolean {
  return limit?.scope === 'graph' || limit?.scope === 'queue'
}

/** Whether a policy of whatever shape remembers results for so many. */
export function isScope(scope: PersistScope, persist: unknown): boolean {
  return persist === scope || (isRecord(persist) && persist['scope'] === scope)
}
