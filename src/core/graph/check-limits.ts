import { describe, isWholeFromOne, reportUnknownKeys } from '../check-options.ts'
import { durationHint, durationMs } from '../duration.ts'
import { isRecord } from '../is-record.ts'

type Report = (message: string) => void

const concurrencyKeys = ['limit', 'key', 'scope', 'version']
const rateKeys = ['limit', 'per', 'burst', 'key', 'scope', 'version']

/** Reports what is wrong with a limit of what runs at the same time. */
export function checkConcurrency(label: string, concurrency: unknown, report: Report): void {
  const hint = 'the number of attempts that may run at the same time, at least 1'
  if (typeof concurrency === 'number') {
    if (!isWholeFromOne(concurrency))
      report(`${label}: concurrency must be a whole number, ${hint}, not ${describe(concurrency)}`)
    return
  }
  if (!isRecord(concurrency)) {
    report(`${label}: concurrency must be a number or { limit, key, scope }, not ${describe(concurrency)}`)
    return
  }
  reportUnknownKeys(`${label}: concurrency`, concurrency, concurrencyKeys, report)
  if (!isWholeFromOne(concurrency['limit']))
    report(`${label}: concurrency.limit must be a whole number, ${hint}, not ${describe(concurrency['limit'])}`)
  checkShared(`${label}: concurrency`, concurrency, report)
}

/** Reports what is wrong with a limit of what begins in a period. */
export function checkRate(label: string, rate: unknown, report: Report): void {
  if (!isRecord(rate)) {
    report(`${label}: rate must be an object like { limit: 10, per: '1s' }, not ${describe(rate)}`)
    return
  }
  reportUnknownKeys(`${label}: rate`, rate, rateKeys, report)
  const { limit, per, burst } = rate
  if (!isWholeFromOne(limit))
    report(
      `${label}: rate.limit must be a whole number, the number of attempts that may begin in each period, at least 1, not ${describe(limit)}`,
    )
  const perMs = durationMs(per)
  if (perMs === undefined) report(`${label}: rate.per ${describe(per)} is not a duration; ${durationHint}`)
  else if (perMs === 0) report(`${label}: rate.per is 0: nothing would be limited; leave rate out for no limit`)
  if (burst !== undefined && !isWholeFromOne(burst))
    report(
      `${label}: rate.burst must be a whole number, the number of attempts that may begin at once, at least 1, not ${describe(burst)}`,
    )
  checkShared(`${label}: rate`, rate, report)
}

function checkShared(label: string, { key, scope, version }: Readonly<Record<string, unknown>>, report: Report): void {
  if (key !== undefined && typeof key !== 'function')
    report(`${label}.key must be a function of the inputs, not ${describe(key)}`)
  if (scope !== undefined && scope !== 'process' && scope !== 'graph' && scope !== 'queue')
    report(`${label}.scope must be 'process', 'graph' or 'queue', not ${describe(scope)}`)
  if (version === undefined) return
  if (!(Number.isSafeInteger(version) && (version as number) >= 0))
    report(`${label}.version must be a whole number of at least 0, not ${describe(version)}`)
  else if (scope === undefined || scope === 'process')
    report(
      `${label}.version says which declaration holds where processes share a limit; set scope to 'graph' or 'queue', or leave version out`,
    )
}
