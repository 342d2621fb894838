import { isName } from '../core/check-name.ts'
import { checkOptions, describe, isWholeFromOne } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import { endStatuses, executionStatuses } from '../core/contracts/statuses.ts'
import { OptionError } from '../core/errors.ts'
import { isDate } from '../core/is-builtin.ts'
import { isRecord } from '../core/is-record.ts'

const filters = ['status', 'graph', 'parent', 'forkedFrom', 'queue', 'key', 'errorCode', 'from', 'before']

/** @throws OptionError with all problems */
export function checkListQuery(query: unknown): void {
  check('list', query, [...filters, 'waitsFor', 'limit', 'after'], (given, report) => {
    const { waitsFor, limit, after } = given
    if (waitsFor !== undefined && !isWaitQuery(waitsFor))
      report(`waitsFor must be { signal }, { event, key? } or { timer }, each with a name, not ${describe(waitsFor)}`)
    if (limit !== undefined && !isWholeFromOne(limit)) report('limit must be a whole number of at least 1')
    if (after !== undefined && !(typeof after === 'string' && /^\d+:/.test(after)))
      report('after must be the `next` of the page before')
    reportFilters(given, report)
  })
}

/** @throws OptionError with all problems */
export function checkCountQuery(query: unknown): void {
  check('count', query, filters, reportFilters)
}

function reportFilters(given: Readonly<Record<string, unknown>>, report: Report): void {
  const { status, graph, parent, forkedFrom, from, before } = given
  reportStatuses(status, executionStatuses, report)
  if (graph !== undefined && typeof graph !== 'string') report(`graph must be a graph's name, not ${describe(graph)}`)
  for (const [name, id] of Object.entries({ parent, forkedFrom }))
    if (id !== undefined && typeof id !== 'string') report(`${name} must be an execution's id, not ${describe(id)}`)
  for (const name of ['queue', 'key', 'errorCode'] as const)
    if (given[name] !== undefined && !isName(given[name]))
      report(`${name} must be a non-empty string, not ${describe(given[name])}`)
  for (const [name, date] of Object.entries({ from, before }))
    if (date !== undefined && !(isDate(date) && !Number.isNaN(date.getTime())))
      report(`${name} must be a Date, not ${describe(date)}`)
}

function isWaitQuery(query: unknown): boolean {
  if (!isRecord(query)) return false
  const kinds = ['signal', 'event', 'timer'].filter((kind) => Object.hasOwn(query, kind))
  const [kind] = kinds
  const known = kind === 'event' ? ['event', 'key'] : kinds
  return (
    kinds.length === 1 &&
    isName(query[kind!]) &&
    (query['key'] === undefined || isName(query['key'])) &&
    Object.keys(query).every((key) => known.includes(key))
  )
}

/** @throws OptionError with all problems */
export function checkPurge(options: unknown): void {
  check('purge', options, ['olderThan', 'status'], ({ olderThan, status }, report) => {
    if (durationMs(olderThan) === undefined)
      report(`olderThan ${describe(olderThan)} is not a duration; ${durationHint}`)
    reportStatuses(status, endStatuses, report)
  })
}

/** @throws OptionError with all problems */
export function checkRetry(options: unknown): void {
  check('retry', options, ['items'], ({ items }, report) => {
    if (items !== undefined && !(Array.isArray(items) && items.length > 0 && items.every(isName)))
      report(`items must be a list of the keys of items, not ${describe(items)}`)
  })
}

/** @throws OptionError with all problems */
export function checkFork(options: unknown): void {
  check(
    'fork',
    options,
    ['from', 'id', 'overrides', 'graph', 'target'],
    ({ from, id, overrides, graph, target }, report) => {
      if (from !== undefined && typeof from !== 'string')
        report(`from must be the name of a step, not ${describe(from)}`)
      if (from === undefined && overrides === undefined)
        report('give from, the step from which on everything begins anew, or overrides, or both')
      if (id !== undefined && !isName(id)) report(`id must be a non-empty string, not ${describe(id)}`)
      if (overrides !== undefined && !isRecord(overrides))
        report(`overrides must be an object of values by type, not ${describe(overrides)}`)
      if ((graph === undefined) !== (target === undefined)) report('graph and target are given together, or neither')
      if (target !== undefined && !isRecord(target)) report(`target must be a data type, not ${describe(target)}`)
    },
  )
}

/** @throws OptionError with all problems */
export function checkClose(options: unknown): void {
  check('close', options, ['deadline', 'drain'], ({ deadline, drain }, report) => {
    if (drain !== undefined && typeof drain !== 'boolean') report(`drain must be true or false, not ${describe(drain)}`)
    if (deadline !== undefined && durationMs(deadline) === undefined)
      report(`deadline ${describe(deadline)} is not a duration; ${durationHint}`)
  })
}

/** @throws OptionError with all problems */
export function checkHealth(options: unknown): void {
  check('health', options, ['deadline'], ({ deadline }, report) => {
    if (deadline !== undefined && durationMs(deadline) === undefined)
      report(`deadline ${describe(deadline)} is not a duration; ${durationHint}`)
  })
}

/** @throws OptionError with all problems */
export function checkStartMany(options: unknown): void {
  check('startMany', options, ['transaction'], () => {})
}

type Report = (problem: string) => void

function check(
  call: string,
  options: unknown,
  known: readonly string[],
  look: (given: Readonly<Record<string, unknown>>, report: Report) => void,
): void {
  checkOptions(call, options, known, (given) => {
    const problems: string[] = []
    look(given, (problem) => void problems.push(problem))
    return problems
  })
}

function reportStatuses(given: unknown, known: readonly string[], report: Report): void {
  if (given === undefined) return
  for (const one of Array.isArray(given) ? (given as readonly unknown[]) : [given])
    if (!known.includes(one as string)) report(`status must be one of ${known.join(', ')}, not ${describe(one)}`)
}

/** @throws OptionError with all problems */
export function checkDelete(options: unknown): void {
  check('delete', options, ['undo'], ({ undo }, report) => {
    if (undo !== undefined && typeof undo !== 'boolean') report(`undo must be true or false, not ${describe(undo)}`)
  })
}

/** @throws OptionError */
export function checkMoved(ids: unknown): void {
  if (!Array.isArray(ids)) throw new OptionError(`moveTo takes a list of ids, not ${describe(ids)}`)
}
