import { describe, isWholeFromOne, refuse } from '../../core/check-options.ts'
import { didYouMean } from '../../core/closest-name.ts'
import { OptionError } from '../../core/errors.ts'
import { executionStatuses, stepStatuses } from '../../core/contracts/statuses.ts'
import { isRecord } from '../../core/is-record.ts'
import { exportFormat } from './exported-execution.ts'
import type { ExportedExecution } from './exported-execution.ts'

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const name: Check = (value) => typeof value === 'string' && value !== ''
const number: Check = (value) => Number.isFinite(value)
const count: Check = (value) => value === 0 || isWholeFromOne(value)
const whole: Check = (value) => Number.isSafeInteger(value)
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const headers: Check = (value) => isRecord(value) && Object.values(value).every(text)
const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string)
const orNothing =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

/** A value in the form of the document. */
const exportedValue: Check = (value) => {
  if (!isRecord(value)) return false
  if (Object.hasOwn(value, 'json')) return true
  const { closed, bytes, codecs } = value
  return closed === 'sensitive' || (closed === 'encoded' && text(bytes) && texts(codecs))
}

const time = orNothing(number)

const checks = {
  execution: {
    id: name,
    kind: oneOf(['execution', 'batch']),
    graph: name,
    target: name,
    status: oneOf(executionStatuses),
    requestDigest: text,
    inputs: exportedValue,
    output: orNothing(exportedValue),
    error: orNothing(exportedValue),
    errorCode: orNothing(text),
    headers,
    graphHash: text,
    machineVersion: count,
    parent: orNothing(name),
    forkedFrom: orNothing(name),
    timeoutMs: time,
    deadline: time,
    queue: name,
    priority: whole,
    key: text,
    startAt: time,
    owner: orNothing(text),
    epoch: count,
    recoveries: count,
    ownedMs: number,
    createdAt: number,
    startedAt: time,
    updatedAt: number,
    endedAt: time,
    parkedAt: time,
    dueAt: time,
    waitsFor: orNothing(exportedValue),
  },
  steps: {
    step: name,
    item: text,
    status: oneOf(stepStatuses),
    attempt: count,
    inputHash: orNothing(text),
    type: text,
    typeVersion: orNothing(text),
    output: orNothing(exportedValue),
    error: orNothing(exportedValue),
    attempts: orNothing(exportedValue),
    queuedAt: time,
    startedAt: time,
    endedAt: time,
    dueAt: time,
  },
  checkpoints: {
    step: text,
    item: text,
    generation: count,
    name,
    kind: text,
    order: count,
    status: oneOf(['open', 'completed', 'failed', 'timedOut']),
    value: orNothing(exportedValue),
    error: orNothing(exportedValue),
    at: number,
    dueAt: time,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Check>>>>

const mostProblems = 10

/** Makes sure that something is a document as `docket.export` gives it: it may have been altered since, or be anything. @throws OptionError with what is wrong with it */
export function requireExport(given: unknown): ExportedExecution {
  if (!isRecord(given) || given['format'] !== exportFormat) {
    const format = isRecord(given) ? describe(given['format']) : describe(given)
    throw new OptionError(`this is no execution that docket.export gave, of the form "${exportFormat}", but ${format}`)
  }
  const { execution, steps, checkpoints, exportedAt, sensitive } = given
  const problems = [
    !(typeof exportedAt === 'string' && Number.isFinite(Date.parse(exportedAt))) &&
      `exportedAt must be a time, not ${describe(exportedAt)}`,
    !texts(sensitive) && `sensitive must be a list of names, not ${describe(sensitive)}`,
    ...problemsOf('execution', execution, checks.execution),
    ...(['steps', 'checkpoints'] as const).flatMap((list) => {
      const records = { steps, checkpoints }[list]
      if (!Array.isArray(records)) return [`${list} must be a list, not ${describe(records)}`]
      // With those that are not there.
      return Array.from(records as readonly unknown[]).flatMap((record, index) =>
        problemsOf(`${list}[${index}]`, record, checks[list]),
      )
    }),
  ].filter((problem) => problem !== false)
  refuse('the exported execution is damaged', problems.slice(0, mostProblems))
  return given as unknown as ExportedExecution
}

function problemsOf(place: string, record: unknown, fields: Readonly<Record<string, Check>>): readonly string[] {
  if (!isRecord(record)) return [`${place} must be an object, not ${describe(record)}`]
  return Object.entries(fields).flatMap(([field, check]) => {
    const value = Object.hasOwn(record, field) ? record[field] : undefined
    return check(value) ? [] : [`${place}.${field} can’t be ${describe(value)}`]
  })
}

/** Makes sure that each value that is given is in the place of one that is closed. @throws OptionError for others, and for closed ones that have none */
export function checkGivenValues(values: unknown, closed: ReadonlySet<string>): void {
  if (!isRecord(values)) throw new OptionError(`values must be an object of values by type, not ${describe(values)}`)
  const missing = [...closed].filter((type) => !Object.hasOwn(values, type))
  const needless = Object.keys(values).filter((type) => !closed.has(type))
  const known = [...closed]
  refuse('values', [
    missing.length > 0 &&
      `the exported execution has no value of ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} sensitive: give others in \`values\`, by type`,
    ...needless.map(
      (type) =>
        `no input of the exported execution that is closed is of type "${type}"${didYouMean(type, known) || (known.length === 0 ? '; none is closed' : `; closed are ${known.join(', ')}`)}`,
    ),
  ])
}
