import { frozen } from '../core/values/frozen.ts'
import { didYouMean } from '../core/closest-name.ts'
import { checkpointIdentity } from '../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { DocketClosedError, OptionError, QueryError } from '../core/errors.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { QueryView } from '../core/graph/queries.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { DocketContext } from './context/docket-context.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { shownRecords } from './records/present-names.ts'
import { publishedPlace } from './records/published-value.ts'
import { decodePresent, readInputs } from './records/stored-inputs.ts'
import { splitUndoRecords } from './records/undo-records.ts'

/** Answers a query over what is on record, once the interceptors have seen it. @throws as `ExecutionHandle.query` does */
export async function queryExecution(
  context: DocketContext,
  id: string,
  name: string,
  input: unknown,
): Promise<unknown> {
  await context.connection.readyBy()
  const record = await context.recordOf(id)
  if (record === undefined) throw noSuchExecution(id)
  const graph = context.graphOf(record)
  if (graph === undefined)
    throw new OptionError(
      `query: this docket does not know graph "${record.graph}" of execution "${id}", which has its queries; give it to createDocket({ graphs })`,
    )
  const query = Object.hasOwn(graph.queries, name) ? (Reflect.get(graph.queries, name) as unknown) : undefined
  if (query === undefined) {
    const names = Object.keys(graph.queries)
    const known = names.length === 0 ? '; it has none' : `; it has: ${names.join(', ')}`
    throw new OptionError(`query: graph "${graph.name}" has no query "${name}"${didYouMean(name, names) || known}`)
  }
  if (record.kind === 'batch')
    throw new OptionError(`query: "${id}" is a batch, whose items have values each: see details()`)
  const answer = (given: unknown): Promise<unknown> =>
    answerOf(context, record, graph, name, query as (view: QueryView, input: unknown) => unknown, given)
  const { query: chain } = context.interceptors
  if (chain === undefined) return answer(input)
  return chain({ executionId: id, graph: graph.name, query: name, input }, (call) => answer(call.input))
}

async function answerOf(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph,
  name: string,
  query: (view: QueryView, input: unknown) => unknown,
  input: unknown,
): Promise<unknown> {
  const view = await viewOf(context, record, graph)
  try {
    return await query(view, input)
  } catch (cause) {
    if (cause instanceof DocketClosedError) throw cause
    throw new QueryError(name, { graph: graph.name, executionId: record.id }, cause)
  }
}

/** What is known of a type: a value, or why it can't be read. */
type Known = { readonly value: unknown } | { readonly error: unknown }

async function viewOf(context: DocketContext, found: ExecutionRecord, graph: AnyGraph): Promise<QueryView> {
  const { connection, clock } = context
  const { encoding } = connection
  const { id } = found
  const { steps: rows } = splitUndoRecords(await context.stepsOf(id))
  const { record, steps } = await shownRecords({ record: found, steps: rows }, graph, encoding, clock)
  const known = new Map<string, Known>()
  const take = async (type: string, read: () => unknown): Promise<void> => {
    try {
      known.set(type, { value: frozen(await read()) })
    } catch (error) {
      known.set(type, { error })
    }
  }
  for (const { type, value } of await publishedOf(context, id, graph)) await take(type, value)
  const { $checked } = await readInputs(record, encoding)
  for (const [type, value] of Object.entries($checked)) known.set(type, { value: frozen(value) })
  const { output } = record
  if (record.status === 'completed' && output !== undefined)
    await take(record.target, () => encoding.decode(output, ['execution', id, 'output']))
  for (const { type, status, output: made, step, item } of steps)
    if (type !== '' && (status === 'completed' || status === 'cached'))
      await take(type, () => decodePresent(made, ['step', id, step, item, 'output'], encoding))
  const { types, specs } = requireIndex(graph)
  const published = specs.flatMap(({ publishes }) => publishes.map(({ name }) => name))
  const names = new Set([...types.keys(), ...published])
  return Object.freeze({
    executionId: id,
    status: record.status,
    get: ((type: AnyDataType) => {
      if (!names.has(type.name))
        throw new OptionError(`graph "${graph.name}" has no type "${type.name}"${didYouMean(type.name, [...names])}`)
      const value = known.get(type.name)
      if (value !== undefined && 'error' in value) throw value.error
      return value?.value
    }) as QueryView['get'],
  })
}

/** What steps have shown while they run. */
async function publishedOf(
  { connection }: DocketContext,
  id: string,
  graph: AnyGraph,
): Promise<readonly { readonly type: string; readonly value: () => unknown }[]> {
  const { store, encoding } = connection
  const types = requireIndex(graph).specs.flatMap(({ publishes }) => publishes.map(({ name }) => name))
  if (types.length === 0 || store.readCheckpoints === undefined) return []
  const places = new Map(types.map((type) => [publishedPlace(type, '').name, type]))
  const of = publishedPlace('', '')
  const only = { generation: 0, names: [...places.keys()] }
  const found = await store.readCheckpoints({ execution: id, of, only, limit: places.size })
  return found.map((checkpoint) => {
    const place = publishedPlace(places.get(checkpoint.name)!, '')
    return {
      type: places.get(checkpoint.name)!,
      value: () => decodePresent(checkpoint.value, checkpointIdentity(id, place), encoding),
    }
  })
}
