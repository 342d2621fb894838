import type { StepPage, StepRecord } from '../../src/core/contracts/execution-record.ts'
import { recordOf } from './cells.ts'
import { isAfter, keyOf, Parameters, selectList } from './dialect.ts'
import type { Dialect, Query, RunQuery } from './dialect.ts'
import { stepRowColumns, stepRowFields } from './tables.ts'

/** How many step records a page has. */
const stepPageSize = 1_000

/** Where reading goes on. */
interface Place {
  /** The place of an execution, in the order of the database. */
  readonly at: number
  /** So many executions are read together from there: about as many as a page has room for. */
  readonly count: number
  /** The last record that was read, where only a part of the execution was. */
  readonly after?: readonly [step: string, item: string]
}

/**
 * A page of the step records of executions. One that has more of them than a page is read alone, in the order of its index, so that its
 * hundredth page costs no more than its first: of several, all that is left would be sorted for each page.
 */
export async function readStepPage(
  dialect: Dialect,
  run: RunQuery,
  ids: readonly string[],
  next: string | undefined,
): Promise<StepPage> {
  const ordered = inOrder(ids, dialect)
  const { at, count, after }: Place =
    next === undefined ? { at: 0, count: ordered.length } : (JSON.parse(next) as Place)
  const group = ordered.slice(at, at + (after === undefined ? count : 1))
  if (group.length === 0) return { steps: [], next: undefined }
  const rows = await run(stepsQuery(dialect, group, after))
  const steps = rows
    .slice(0, stepPageSize)
    .map((row) => recordOf<StepRecord & { readonly execution: string }>(stepRowFields, row))
  const last = rows.length > stepPageSize ? steps.at(-1) : undefined
  let rest: Place = { at: at + group.length, count }
  if (last !== undefined) {
    const whole = group.indexOf(last.execution)
    // More than were whole on this page would not fit on the next one either.
    rest = { at: at + whole, count: after === undefined ? Math.max(1, whole) : count, after: [last.step, last.item] }
  }
  return { steps, next: rest.at < ordered.length ? JSON.stringify(rest) : undefined }
}

/** Each once, in the order that the database has them in: by the bytes of what their column holds. */
function inOrder(ids: readonly string[], dialect: Dialect): readonly string[] {
  if (ids.length === 1) return ids
  const bytes = new Map(ids.map((id) => [id, Buffer.from(keyOf(dialect)(id))]))
  return [...bytes.keys()].toSorted((one, other) => Buffer.compare(bytes.get(one)!, bytes.get(other)!))
}

/** A page of step records, and one more that shows whether there is another page. */
export function stepsQuery(dialect: Dialect, ids: readonly string[], after: Place['after']): Query {
  const { list, add } = new Parameters(dialect)
  const key = keyOf(dialect)
  const isAlone = ids.length === 1
  // In the order of the text: some placeholders have no number.
  const isOne = isAlone ? `s.execution = ${add(key(ids[0]!))}` : dialect.isIn('s.execution', ids.map(key), add)
  const isRest = after === undefined ? '' : `and ${isAfter(dialect, ['s.step', 's.item'], after.map(key), add)}`
  // By what is the same in all rows MariaDB sorts them all the same.
  const order = isAlone ? 's.step, s.item' : 's.execution, s.step, s.item'
  const limit = add(stepPageSize + 1)
  const text = `select ${selectList(dialect, stepRowColumns, 's')} from ${dialect.table('steps')} s
    where ${isOne} ${isRest}
    order by ${order} limit ${dialect.limit?.(limit) ?? limit}`
  return { text, parameters: list }
}
