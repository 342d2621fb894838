import type { ExecutionStatus } from '../contracts/statuses.ts'
import { describe } from '../check-options.ts'
import { isRecord } from '../is-record.ts'
import type { TypedDataType, ValueOf } from '../language/data-type.ts'
import type { AnyGraph } from './graph-index.ts'
import type { IsAny } from './graph-types.ts'

/** An execution as of its last commit, for a query: nothing that is on its way. Values are copies, and frozen as far as they are objects and arrays. */
export interface QueryView {
  /** The execution's id. */
  readonly executionId: string
  /** How far it is. */
  readonly status: ExecutionStatus
  /**
   * The value of a data type: what was given, or what a step has made or published that is on record; undefined as long as there is none.
   * @throws OptionError for a type that the graph does not know, SerializationError for a damaged record
   */
  get<T extends TypedDataType>(type: T): ValueOf<T> | undefined
}

/** What a graph declares as `queries`: functions of what is on record, and of what a caller gives. */
export type DeclaredQueries = Readonly<Record<string, (view: QueryView, input: never) => unknown>>

/** Any queries, their types forgotten. */
export type AnyQueries = Readonly<Record<string, (view: QueryView, ...input: unknown[]) => unknown>>

/** What a graph is besides that has queries; where none are declared, the compiler infers any. */
export type WithQueries<Queries> = string extends keyof Queries ? unknown : { readonly queries: Queries }

/** The queries of a graph; any, where the compiler does not know the graph. */
export type QueriesOf<G> =
  IsAny<G> extends true
    ? AnyQueries
    : AnyGraph extends G
      ? AnyQueries
      : G extends { readonly queries: infer Queries }
        ? AnyGraph['queries'] extends Queries
          ? Record<never, never>
          : Queries
        : Record<never, never>

/** What a query is given besides the view: nothing, or one value. */
export type QueryInput<Query> = [Query] extends [never]
  ? [input?: unknown]
  : Query extends (view: never, ...input: infer Input) => unknown
    ? Input
    : []
/** What a query gives. */
export type QueryResult<Query> = Query extends (view: never, ...input: never) => infer Value ? Awaited<Value> : unknown

/** Reports what is wrong with the queries of a graph. */
export function checkQueries(queries: unknown, report: (message: string) => void): void {
  if (queries === undefined) return
  if (!isRecord(queries)) {
    report(`queries must be an object of functions by name, not ${describe(queries)}`)
    return
  }
  for (const [name, query] of Object.entries(queries)) {
    if (name === '') report('a query has no name; a name is a non-empty string')
    if (typeof query !== 'function') report(`query "${name}" must be a function, not ${describe(query)}`)
  }
}
