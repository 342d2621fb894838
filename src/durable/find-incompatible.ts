import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { openStatuses } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { checkOptions, describe, isWholeFromOne } from '../core/check-options.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'
import { placeOfText, recordsOf, textOfPlace } from './list-executions.ts'
import { misfitOfRecord } from './recovery/misfit-of-record.ts'
import { UnfitValues } from './recovery/unfit-values.ts'
import type { UnfitValue } from './recovery/unfit-values.ts'

/** Through which executions `findIncompatible` looks. */
export interface IncompatibleQuery {
  /** Of the graph of this name, whatever it was called when they began. @default any */
  readonly graph?: string | undefined
  /** How many are looked at: the newest that have not ended. @default 1000 */
  readonly limit?: number | undefined
  /** `next` of the page before. @default the newest */
  readonly after?: string | undefined
  /** Whether recorded values are held against the schemas of their types, too. That reads all of them. @default false */
  readonly values?: boolean | undefined
}

/** An execution that does not fit the graphs that it was held against. */
export interface IncompatibleExecution {
  /** The execution's id. */
  readonly id: string
  /** The graph's name, as it is stored. */
  readonly graph: string
  /** Where it is in its life. */
  readonly status: ExecutionStatus
  /** Why its records don't fit. */
  readonly reasons: readonly string[]
}

/** An execution that would go on with values that do not fit the schemas of their types: it trusts them, since the types have the versions that they had. */
export interface UnfitExecution extends Omit<IncompatibleExecution, 'reasons'> {
  /** The first value of each step and type. */
  readonly values: readonly UnfitValue[]
}

/** What of the executions that were looked at does not fit. */
export interface IncompatiblePage {
  /** The newest first. */
  readonly incompatible: readonly IncompatibleExecution[]
  /** Those that could go on, but with values that don't fit, the newest first; empty without `values`. */
  readonly unfit: readonly UnfitExecution[]
  /** How many were looked at. */
  readonly looked: number
  /** How many of these are of graphs that are not known here, by name: nothing is said of them. */
  readonly unknown: Readonly<Record<string, number>>
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined
}

const usualLimit = 1_000
const together = 8

/** @throws OptionError with all problems */
export function checkIncompatible(query: unknown): void {
  checkOptions('findIncompatible', query, ['graph', 'limit', 'after', 'values'], ({ graph, limit, after, values }) => [
    graph !== undefined && typeof graph !== 'string' && `graph must be a graph's name, not ${describe(graph)}`,
    limit !== undefined && !isWholeFromOne(limit) && 'limit must be a whole number of at least 1',
    after !== undefined &&
      !(typeof after === 'string' && /^\d+:/.test(after)) &&
      'after must be the `next` of the page before',
    values !== undefined && typeof values !== 'boolean' && `values must be true or false, not ${describe(values)}`,
  ])
}

/** Looks through executions that have not ended for those that could not go on here. Nothing is taken, or written. @throws StoreError */
export async function findIncompatible(
  context: DocketContext,
  { graph, limit = usualLimit, after, values: areChecked = false }: IncompatibleQuery,
): Promise<IncompatiblePage> {
  await context.connection.readyBy()
  const from = after === undefined ? undefined : placeOfText(after)
  const records = await recordsOf(context, { graph, status: openStatuses }, from, limit + 1)
  const page = records.slice(0, limit)
  const incompatible: IncompatibleExecution[] = []
  const unfit: UnfitExecution[] = []
  const unknown: Record<string, number> = {}
  for (let first = 0; first < page.length; first += together) {
    const some = page.slice(first, first + together)
    const found = await Promise.all(some.map((record) => lookAt(context, record, areChecked)))
    for (const { record, reasons, values } of found) {
      const { id, graph: name, status } = record
      if (reasons === undefined) unknown[name] = (unknown[name] ?? 0) + 1
      else if (reasons.length > 0) incompatible.push({ id, graph: name, status, reasons })
      else if (values.length > 0) unfit.push({ id, graph: name, status, values })
    }
  }
  const last = records.length === page.length ? undefined : page.at(-1)
  return { incompatible, unfit, looked: page.length, unknown, next: last && textOfPlace(last) }
}

async function lookAt(
  context: DocketContext,
  record: ExecutionRecord,
  areChecked: boolean,
): Promise<{
  readonly record: ExecutionRecord
  readonly reasons: readonly string[] | undefined
  readonly values: readonly UnfitValue[]
}> {
  let values: UnfitValues | undefined
  const valuesOf = (graph: AnyGraph): UnfitValues =>
    (values = new UnfitValues(record.id, graph, context.connection.encoding, turnOf(context.clock)))
  const misfit = await misfitOfRecord(context, record, areChecked ? valuesOf : undefined)
  return { record, reasons: misfit?.reasons, values: values?.found ?? [] }
}
