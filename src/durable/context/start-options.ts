import { isName } from '../../core/check-name.ts'
import { describe } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ExecuteOptions, Overriding, Signalling } from '../../runtime/execution/execution-options.ts'
import type { PlaceOptions } from './queue-options.ts'
import type { LifetimeLimits } from '../records/stored-limits.ts'
import type { BatchItems } from '../records/batch-items.ts'

/** Of which executions there are not to be several. */
export interface StartKeys {
  /** The key that it is in turn with in its queue, and by which `onBusy` knows it among executions of its graph. @default none; of a child, its parent's */
  readonly key?: string | undefined
  /**
   * Where another execution of the graph has the key that was started with an `onBusy` too, and has not ended. `'skip'`: nothing is started, and the handle is of
   * that one. `'cancelRunning'`: that one is cancelled, and this one started. `'wait'`: it is started, and its limits say when it begins. @default 'wait', unseen by others
   */
  readonly onBusy?: 'wait' | 'skip' | 'cancelRunning' | undefined
  /** Nothing is started for so long after another execution of the graph was started under the same key: the handle is of that one. @default none */
  readonly dedupe?: { readonly key: string; readonly for: Duration } | undefined
}

/** What a call to start an execution says besides graph, target and inputs. */
export type StartOptions = Pick<
  ExecuteOptions,
  'id' | 'headers' | 'timeout' | 'deadline' | 'signal' | 'observers' | 'logger'
> &
  StartKeys &
  LifetimeLimits &
  PlaceOptions

/** What is wrong with the keys of a start. */
export function problemsOfKeys(options: object, keyName: 'key' | 'queueKey' = 'key'): readonly (string | false)[] {
  const { [keyName]: key, onBusy, dedupe } = options as Readonly<Record<string, unknown>>
  const { key: dedupeKey, for: period, ...more } = isRecord(dedupe) ? dedupe : { key: undefined, for: undefined }
  const ms = durationMs(period)
  return [
    onBusy !== undefined &&
      onBusy !== 'wait' &&
      onBusy !== 'skip' &&
      onBusy !== 'cancelRunning' &&
      `onBusy must be 'wait', 'skip' or 'cancelRunning', not ${describe(onBusy)}`,
    onBusy !== undefined &&
      key === undefined &&
      `onBusy needs a ${keyName}: what executions are known by that it is about`,
    dedupe !== undefined && !isRecord(dedupe) && `dedupe must be an object { key, for }, not ${describe(dedupe)}`,
    isRecord(dedupe) && !isName(dedupeKey) && `dedupe.key must be a non-empty string, not ${describe(dedupeKey)}`,
    isRecord(dedupe) &&
      !(ms !== undefined && ms > 0) &&
      `dedupe.for ${describe(period)} is not a duration above zero; ${durationHint}`,
    ...Object.keys(more).map((name) => `dedupe has the unknown option "${name}"; known are key and for`),
  ]
}

/** Of the calls that begin executions: with values for types that steps make, or wait for. */
export type OverridingOptions = StartOptions & Overriding & Signalling

/** How a caller follows an execution that it starts, or goes on with, here. */
export type CallerOptions = Pick<StartOptions, 'signal' | 'observers' | 'logger'> & {
  /** Its deadline, in the store's time. */
  readonly deadlineAt?: (() => number | undefined) | undefined
  /** Of a batch that has ended, keys of the items that are tried again; `'failed'` stands for all that have failed. */
  readonly retried?: readonly string[] | 'failed' | undefined
  /** The items of a batch, in case that its process died before all of them were written. */
  readonly batch?: BatchItems & { readonly chunkEnds: readonly number[] }
}

export function callerOptionsOf(
  { signal, observers, logger }: StartOptions,
  deadlineAt: CallerOptions['deadlineAt'],
): CallerOptions {
  return { signal, observers, logger, deadlineAt }
}
