import type { WaitQuery } from '../index.ts'
import { didYouMean } from '../core/closest-name.ts'
import { executionStatuses } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { durationMs } from '../core/duration.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** Statuses of executions, with commas between them. @throws CliError */
export function readStatuses(text: string): readonly ExecutionStatus[] {
  return text.split(',').map((one) => {
    const status = one.trim()
    if ((executionStatuses as readonly string[]).includes(status)) return status as ExecutionStatus
    const hint = didYouMean(status, executionStatuses) || `; there are ${executionStatuses.join(', ')}`
    throw new CliError(exitCodes.usage, `there is no status "${status}"${hint}`)
  })
}

/** What executions wait for. @throws CliError */
export function readWait(text: string): WaitQuery {
  const [, kind = '', name = '', key] = /^(signal|event|timer):([^:]+)(?::(.+))?$/.exec(text) ?? []
  if (kind === 'signal' && key === undefined) return { signal: name }
  if (kind === 'timer' && key === undefined) return { timer: name }
  if (kind === 'event') return key === undefined ? { event: name } : { event: name, key }
  throw new CliError(exitCodes.usage, `must be signal:NAME, event:NAME, event:NAME:KEY or timer:NAME, not "${text}"`)
}

/** So many in a period. @throws CliError */
export function readRate(text: string): { readonly limit: number; readonly per: number } {
  const [, limit = '', period] = /^([1-9]\d{0,8})\/(.+)$/.exec(text) ?? []
  const per = durationMs(period)
  if (per !== undefined && per >= 1) return { limit: Number(limit), per }
  throw new CliError(exitCodes.usage, `must be like 10/1m, so many in a period, not "${text}"`)
}
