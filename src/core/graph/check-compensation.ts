import { describe, reportUnknownKeys } from '../check-options.ts'
import { durationHint, durationMs } from '../duration.ts'
import { isRecord } from '../is-record.ts'
import { isScope } from '../language/policy.ts'

const compensateKeys = ['run', 'retry', 'timeout', 'wait']

/** Checks of policies that a compensation shares with steps. */
interface PolicyChecks {
  checkTimeout(where: string, timeout: unknown, report: (message: string) => void): void
  checkRetry(label: string, retry: unknown, report: (message: string) => void): void
}

/** Reports what is wrong with a step's `compensate`, and with what stands beside it. */
export function checkCompensation(
  label: string,
  { compensate, persist }: Readonly<Record<string, unknown>>,
  { checkTimeout, checkRetry }: PolicyChecks,
  report: (message: string) => void,
): void {
  if (compensate === undefined) return
  if (isScope('global', persist))
    report(
      `${label}: compensate undoes what one execution did, but persist 'global' hands its result to others; use persist 'execution', or leave it out`,
    )
  if (typeof compensate === 'function') return
  if (!isRecord(compensate)) {
    report(
      `${label}: compensate must be a function (output, ctx) => …, or { run, retry, timeout, wait }, not ${describe(compensate)}`,
    )
    return
  }
  reportUnknownKeys(`${label}: compensate`, compensate, compensateKeys, report)
  const { run, retry, timeout, wait } = compensate
  if (typeof run !== 'function') report(`${label}: compensate.run must be a function, not ${describe(run)}`)
  if (timeout !== undefined) checkTimeout(`${label}: compensate.timeout`, timeout, report)
  if (retry !== undefined) checkRetry(`${label}: compensate`, retry, report)
  if (wait !== undefined && durationMs(wait) === undefined)
    report(`${label}: compensate.wait ${describe(wait)} is not a duration; ${durationHint}`)
}
