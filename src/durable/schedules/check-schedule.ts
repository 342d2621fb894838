import { nameBytes, problemOfLength } from '../../core/check-length.ts'
import type { LimitingStore } from '../../core/check-length.ts'
import { isName } from '../../core/check-name.ts'
import { checkOptions, describe, isWholeFromOne, refuse, reportUnknownKeys } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import type { ScheduleRule } from '../../core/contracts/schedule-record.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { isDate } from '../../core/is-builtin.ts'
import { isPlainRecord, isRecord } from '../../core/is-record.ts'
import { describeThrown, readOf } from '../../core/thrown.ts'
import { checkExecuteOptions } from '../../runtime/execution/execution-options.ts'
import { problemsOfCall, problemsOfRefusedKeys, startOptionNames } from '../context/call-options.ts'

import { calendarOf, wholeCalendarOf } from './calendar.ts'
import type { Timing } from './calendar.ts'
import { runIdOf } from './nominal-times.ts'

/** A schedule whose declaration can be used. */
export interface CheckedSchedule {
  readonly name: string
  readonly graph: AnyGraph
  readonly target: AnyDataType
  readonly inputs: unknown
  readonly rule: ScheduleRule
}

const timingNames = ['cron', 'timeZone', 'every', 'at', 'startAt', 'endAt', 'jitter']
const policyNames = ['overlap', 'catchUp', 'pauseOnFailure', 'metadata', 'version']
const ownNames = ['graph', 'target', 'inputs', 'nominalTime', ...timingNames, ...policyNames]
/** What can't be stored, or is another thing for each execution. */
const notScheduled = new Set([
  'id',
  'signal',
  'observers',
  'logger',
  'deadline',
  'overrides',
  'signals',
  'eager',
  'dedupe',
  'onBusy',
])
const refusedKeys = {
  onBusy: 'is not for schedules: overlap says what happens while an earlier run has not ended',
  dedupe: 'is not for schedules: each nominal time is one execution, whoever starts it how often',
}

/** Names of options that each execution of a schedule is started with. */
function scheduledStartNames(): readonly string[] {
  return startOptionNames.filter((name) => !notScheduled.has(name) && !ownNames.includes(name))
}

const overlaps = ['skip', 'bufferOne', 'cancelOther', 'allowAll']
const longestName = 200
const leastEveryMs = 1_000
const mostCaughtUp = 1_000

/** Makes sure that a schedule can be declared. @throws OptionError with all problems */
export function checkSchedule(
  name: unknown,
  declaration: unknown,
  store: LimitingStore,
  isInCode: boolean,
): CheckedSchedule {
  const call = `schedule ${describe(name)}`
  refuse(call, problemsOfName(name, store))
  refuse(call, problemsOfRefusedKeys(declaration, refusedKeys))
  checkOptions(call, declaration, [...ownNames, ...scheduledStartNames()], problemsOfDeclaration)
  const given = declaration as Readonly<Record<string, unknown>>
  const start = Object.fromEntries(
    scheduledStartNames().flatMap((option) => (given[option] === undefined ? [] : [[option, given[option]]])),
  )
  checkExecuteOptions(call, start, scheduledStartNames(), problemsOfCall(start))
  const rule: ScheduleRule = { ...timingOf(given), ...policyOf(given), ...(isInCode && { isInCode }), start }
  refuse(call, [problemOfTimes(rule)])
  const { graph, target, nominalTime } = given
  // Its only leaf may be the one that is given the nominal time.
  const inputs = given['inputs'] ?? (nominalTime === undefined ? undefined : {})
  return { name: name as string, graph: graph as AnyGraph, target: target as AnyDataType, inputs, rule }
}

/** @throws OptionError for what can't be a schedule's name */
export function requireScheduleName(call: string, name: unknown): asserts name is string {
  if (!isName(name))
    throw new OptionError(`${call}: the name of a schedule is a non-empty string, not ${describe(name)}`)
}

function problemsOfName(name: unknown, store: LimitingStore): readonly Problem[] {
  if (!isName(name)) return [`the name must be a non-empty string, not ${describe(name)}`]
  const bytes = nameBytes(name)
  if (bytes > longestName) return [`the name is ${bytes} bytes long, of at most ${longestName}; use a shorter one`]
  return [problemOfLength(store, 'executionId', 'the id of its executions', runIdOf(name, 0))]
}

function problemsOfDeclaration(given: Readonly<Record<string, unknown>>): readonly Problem[] {
  const { cron, timeZone, every, at, startAt, endAt, jitter, overlap, catchUp, pauseOnFailure, metadata } = given
  const { nominalTime, inputs, version } = given
  const ways = Object.entries({ cron, every, at }).filter(([, way]) => way !== undefined)
  const problems: Problem[] = []
  const report = (problem: string): void => void problems.push(problem)
  if (ways.length !== 1)
    report(
      `exactly one of cron, every and at says when it starts something; ${ways.length === 0 ? 'none is given' : `${ways.map(([way]) => way).join(' and ')} are given`}`,
    )
  const isZone = timeZone === undefined || isTimeZone(timeZone)
  if (!isZone) report(`timeZone ${describe(timeZone)} is not known; use a name like 'Europe/Berlin'`)
  if (timeZone !== undefined && cron === undefined)
    report('timeZone is for cron alone: every and at are the same everywhere')
  if (cron !== undefined) append(problemOfPattern(cron, isZone ? (timeZone as string | undefined) : undefined))
  const everyMs = durationMs(every)
  if (every !== undefined && !(everyMs! >= leastEveryMs && Number.isInteger(everyMs)))
    report(`every ${describe(every)} is not a duration of at least a second, in whole milliseconds; ${durationHint}`)
  for (const [option, time] of Object.entries({ at, startAt, endAt }))
    if (time !== undefined && !isTime(time))
      report(`${option} must be a Date, or milliseconds since the epoch, not ${describe(time)}`)
  if (isTime(startAt) && isTime(endAt) && Number(startAt) > Number(endAt)) report('startAt is after endAt')
  if (jitter !== undefined && durationMs(jitter) === undefined)
    report(`jitter ${describe(jitter)} is not a duration; ${durationHint}`)
  if (overlap !== undefined && !overlaps.includes(overlap as string))
    report(`overlap must be one of ${overlaps.join(', ')}, not ${describe(overlap)}`)
  if (isRecord(catchUp)) {
    reportUnknownKeys('catchUp', catchUp, ['max'], report)
    if (!isWholeFromOne(catchUp['max']) || (catchUp['max'] as number) > mostCaughtUp)
      report(`catchUp: max must be a whole number from 1 to ${mostCaughtUp}, not ${describe(catchUp['max'])}`)
  } else if (catchUp !== undefined && catchUp !== 'last' && catchUp !== 'none')
    report(`catchUp must be 'last', 'none' or { max: 10 }, not ${describe(catchUp)}`)
  if (pauseOnFailure !== undefined && typeof pauseOnFailure !== 'boolean')
    report(`pauseOnFailure must be true or false, not ${describe(pauseOnFailure)}`)
  if (version !== undefined && !Number.isSafeInteger(version))
    report(`version must be a whole number, not ${describe(version)}`)
  if (metadata !== undefined && !isPlainRecord(metadata))
    report(`metadata must be a plain object of strings, not ${describe(metadata)}`)
  else
    for (const [key, value] of Object.entries(metadata ?? {}))
      if (typeof value !== 'string') report(`metadata "${key}" must be a string, not ${describe(value)}`)
  if (nominalTime !== undefined && !isName(nominalTime))
    report(`nominalTime must be the name of a leaf type, not ${describe(nominalTime)}`)
  else if (nominalTime !== undefined && isRecord(inputs) && readOf(inputs, nominalTime) !== undefined)
    report(`inputs have a value for ${describe(nominalTime)}, which nominalTime gives; leave one of them out`)
  return problems

  function append(problem: Problem): void {
    problems.push(problem)
  }
}

/** What croner takes besides: a date, which is what `at` is for. */
const patternForm = /^(?:@[a-z]+|\S+(?: +\S+){4,5})$/

function problemOfPattern(cron: unknown, timeZone: string | undefined): Problem {
  if (typeof cron !== 'string' || !patternForm.test(cron))
    return `cron ${describe(cron)} is not a pattern of five fields (minute, hour, day, month, weekday), or six with seconds before them`
  try {
    wholeCalendarOf({ cron, ...(timeZone !== undefined && { timeZone }) }).next(0)
    return undefined
  } catch (error) {
    return `cron ${describe(cron)} is not a pattern: ${describeThrown(error)}`
  }
}

/** A pattern may be well formed and never fit: the 31st of February. */
function problemOfTimes(timing: Timing): Problem {
  if (calendarOf(timing).next(-Infinity) !== undefined) return undefined
  if (wholeCalendarOf(timing).next(-Infinity) === undefined)
    return `cron ${describe(timing.cron)} never comes: no such day exists`
  return 'no nominal time is between startAt and endAt'
}

function timingOf(given: Readonly<Record<string, unknown>>): Timing & Pick<ScheduleRule, 'jitterMs'> {
  const { cron, timeZone, every, at, startAt, endAt, jitter } = given
  return {
    ...(cron !== undefined && { cron: cron as string }),
    ...(timeZone !== undefined && { timeZone: timeZone as string }),
    ...(every !== undefined && { everyMs: durationMs(every)! }),
    ...(at !== undefined && { at: Number(at) }),
    ...(startAt !== undefined && { startAt: Number(startAt) }),
    ...(endAt !== undefined && { endAt: Number(endAt) }),
    ...(durationMs(jitter)! > 0 && { jitterMs: durationMs(jitter)! }),
  }
}

function policyOf(
  given: Readonly<Record<string, unknown>>,
): Pick<ScheduleRule, 'overlap' | 'catchUp' | 'nominalTime' | 'pauseOnFailure' | 'version' | 'metadata'> {
  const { overlap = 'skip', catchUp = 'last', pauseOnFailure, version, metadata = {}, nominalTime } = given
  return {
    overlap: overlap as ScheduleRule['overlap'],
    catchUp: isRecord(catchUp) ? { max: catchUp['max'] as number } : (catchUp as ScheduleRule['catchUp']),
    ...(nominalTime !== undefined && { nominalTime: nominalTime as string }),
    ...(pauseOnFailure === true && { pauseOnFailure }),
    ...(version !== undefined && { version: version as number }),
    metadata: { ...(metadata as Readonly<Record<string, string>>) },
  }
}

function isTime(value: unknown): value is Date | number {
  const isKind = isDate(value) || typeof value === 'number'
  return isKind && Number.isInteger(new Date(value as number).getTime())
}

function isTimeZone(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return Intl.DateTimeFormat('en', { timeZone: value }) !== undefined
  } catch {
    return false
  }
}
