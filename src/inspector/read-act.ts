import { isRecord } from '../core/is-record.ts'
import { filterFields } from './protocol.ts'
import type { Act, ExecutionFilter } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string' && value !== '' && value.length <= 1_000
const optionalText: Check = (value) => value === undefined || text(value)
const time: Check = (value) => typeof value === 'string' && value.length <= 100 && !Number.isNaN(Date.parse(value))
const anything: Check = () => true
const record: Check = isRecord
const optionalRecord: Check = (value) => value === undefined || isRecord(value)
const ids: Check = (value) => Array.isArray(value) && value.length >= 1 && value.length <= mostIds && value.every(text)
const filter: Check = (value) => isFilter(value)
const most: Check = (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostFound

const mostIds = 10_000
const mostFound = 10_000
const filterKeys: ReadonlySet<string> = new Set(filterFields)

/** Whether something may be a filter, as far as its form goes. */
export function isFilter(value: unknown): value is ExecutionFilter {
  return isRecord(value) && Object.entries(value).every(([key, one]) => filterKeys.has(key) && text(one))
}

const bulk = [{ ids }, { filter, most }]
const queue = [{ queue: text }]
const schedule = [{ schedule: text }]
const message = [{ id: text, type: text, value: anything }]

/** What may be sent of each act, one way or the other. */
const shapes: Readonly<Record<Act['act'], readonly Readonly<Record<string, Check>>[]>> = {
  cancel: bulk,
  retry: bulk,
  delete: bulk,
  fork: [{ id: text, from: text, overrides: optionalRecord }],
  signal: message,
  update: message,
  reschedule: [{ id: text, timer: text, at: time }],
  start: [{ graph: text, target: text, inputs: record, id: optionalText }],
  pauseQueue: queue,
  resumeQueue: queue,
  pauseSchedule: schedule,
  resumeSchedule: schedule,
  triggerSchedule: schedule,
  backfillSchedule: [{ schedule: text, from: time, to: time }],
}

/** An act, as the page may send it. @throws RequestProblem for anything else */
export function readAct(value: unknown): Act {
  if (!isRecord(value)) throw new RequestProblem(400, 'an act is an object')
  const { act, ...fields } = value
  const shape = typeof act === 'string' && Object.hasOwn(shapes, act) ? shapes[act as Act['act']] : undefined
  if (shape === undefined) throw new RequestProblem(400, 'there is no such act')
  const fits = shape.some(
    (checks) =>
      Object.keys(fields).every((name) => Object.hasOwn(checks, name)) &&
      Object.entries(checks).every(([name, check]) => check(Object.hasOwn(fields, name) ? fields[name] : undefined)),
  )
  if (!fits) {
    const ways = shape.map((checks) => Object.keys(checks).join(', ')).join(', or ')
    throw new RequestProblem(400, `${String(act)} takes ${ways}, each of the right type`)
  }
  return value as unknown as Act
}
