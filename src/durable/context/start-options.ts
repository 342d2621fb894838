import type { ExecuteOptions, Overriding, Signalling } from '../../runtime/execution/execution-options.ts'
import type { LifetimeLimits } from '../records/stored-limits.ts'
import type { BatchItems } from '../records/batch-items.ts'

/** What a call to start an execution says besides graph, target and inputs. */
export type StartOptions = Pick<
  ExecuteOptions,
  'id' | 'headers' | 'timeout' | 'deadline' | 'signal' | 'observers' | 'logger'
> &
  LifetimeLimits

/** Of the calls that begin executions: with values for types that steps make, or wait for. */
export type OverridingOptions = StartOptions & Overriding & Signalling

/** How a caller follows an execution that it starts, or goes on with, here. */
export type CallerOptions = Pick<StartOptions, 'signal' | 'observers' | 'logger' | 'deadline'> & {
  /** Of a batch that has ended, keys of the items that are tried again; `'failed'` stands for all that have failed. */
  readonly retried?: readonly string[] | 'failed' | undefined
  /** The items of a batch, in case that its process died before all of them were written. */
  readonly batch?: BatchItems & { readonly chunkEnds: readonly number[] }
}

export function callerOptionsOf({ signal, observers, logger, deadline }: StartOptions): CallerOptions {
  return { signal, observers, logger, deadline }
}
