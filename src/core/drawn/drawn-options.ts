import { isDate } from '../is-builtin.ts'
import { isRecord } from '../is-record.ts'
import type { Duration } from '../duration.ts'
import type { DrawnConcurrency, DrawnPersist } from '../graph/drawing.ts'
import { shapeOfBackoff } from '../language/backoff.ts'
import type { Backoff } from '../language/policy.ts'

/** Policies that a drawing can hold: all of it is data. A step's own policies may be functions, too, and stand above these. */
export interface DrawablePolicies {
  /** How long one attempt may take. @default the workflow's defaults */
  readonly timeout?: Duration | undefined
  /** How often it is tried; `backoff` is a duration, or made by `fixed` or `exponential`. @default the workflow's defaults */
  readonly retry?: DrawableRetry | undefined
  /** For how long and for whom the result is remembered. @default the workflow's defaults, then the docket's policy, then 'execution' */
  readonly persist?: 'execution' | 'global' | DrawnPersist | undefined
  /** How many attempts of the step run at the same time, whichever node they are of. @default the workflow's defaults */
  readonly concurrency?: number | DrawnConcurrency | undefined
}

/** How often a node is tried. */
export interface DrawableRetry {
  /** All attempts, the first included; at least 1. @default 1 */
  readonly maxAttempts?: number
  /** The wait between attempts: a duration, or made by `fixed` or `exponential`. @default no wait */
  readonly backoff?: Backoff | Duration
}

/** Where something waits, and since when it may run. */
export interface Placement {
  /** The queue. @default 'default' */
  readonly queue?: string | undefined
  /** The higher one goes first. @default 0 */
  readonly priority?: number | undefined
  /** Not before this time: a Date, or milliseconds since the epoch. @default at once */
  readonly startAt?: Date | number | undefined
}

type Report = (message: string) => void
type Given = Readonly<Record<string, unknown>>

/** Options as they are given, as data. What can't be stored is reported; whether the rest is right is for those to say who read a drawing. */
export function drawnOptions(label: string, given: Given, report: Report): Given {
  const { retry, persist, concurrency, rate, startAt, defaults, ...others } = given
  return withoutUndefined({
    ...others,
    retry: isRecord(retry) ? drawnRetry(label, retry, report) : retry,
    persist: isRecord(persist) ? drawnPersist(label, persist, report) : persist,
    concurrency: isRecord(concurrency) ? drawnLimit(`${label}: concurrency`, concurrency, report) : concurrency,
    rate: isRecord(rate) ? drawnLimit(`${label}: rate`, rate, report) : rate,
    startAt: isDate(startAt) ? startAt.getTime() : startAt,
    defaults: isRecord(defaults) ? drawnOptions(`${label}: defaults`, defaults, report) : defaults,
  })
}

function drawnRetry(label: string, { backoff, retryIf, ...others }: Given, report: Report): Given {
  if (retryIf !== undefined)
    report(`${label}: retry.retryIf is a function, which can't be stored with a drawing: state it on the step itself`)
  const shape = typeof backoff === 'function' ? shapeOfBackoff(backoff as Backoff) : backoff
  if (typeof backoff === 'function' && shape === undefined)
    report(
      `${label}: retry.backoff is a function of yours, which can't be stored with a drawing: make it with exponential() or fixed(), give a duration, or state it on the step itself`,
    )
  return withoutUndefined({ ...others, backoff: shape })
}

function drawnPersist(label: string, { store, ...others }: Given, report: Report): Given {
  if (store !== undefined) report(`${label}: persist.store can't be stored with a drawing: state it on the step itself`)
  return withoutUndefined(others)
}

function drawnLimit(label: string, { key, ...others }: Given, report: Report): Given {
  if (key !== undefined)
    report(`${label}.key is a function, which can't be stored with a drawing: state it on the step itself`)
  return withoutUndefined(others)
}

/** A record without what is undefined: what is stored must be the same when it comes back. */
function withoutUndefined(fields: Given): Given {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
