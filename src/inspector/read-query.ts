import type { ListQuery } from '../durable/list-executions.ts'
import { filterFields } from './protocol.ts'
import type { ExecutionFilter } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'

const longestText = 1_000

/** The parameters of a request, each once, and none that is not known. @throws RequestProblem */
export function readParameters<Name extends string>(
  url: string,
  known: readonly Name[],
): { readonly [name in Name]?: string } {
  const found: { [name in Name]?: string } = {}
  const seen = new Set<string>()
  for (const [name, value] of new URL(url).searchParams) {
    if (!known.includes(name as Name)) throw new RequestProblem(400, 'there is a parameter that nobody knows')
    if (seen.has(name)) throw new RequestProblem(400, `${name} is there twice`)
    seen.add(name)
    if (value.length > longestText) throw new RequestProblem(400, `${name} is too long`)
    // What is empty says nothing.
    if (value !== '') found[name as Name] = value
  }
  return found
}

/** The parameters of a filter. */
export function readFilter(url: string): ExecutionFilter {
  return readParameters(url, filterFields)
}

/** The parameters of a page of the list. @throws RequestProblem */
export function readListQuery(url: string): ListQuery {
  const { after, limit, ...filter } = readParameters(url, [...filterFields, 'after', 'limit'])
  const most = limit === undefined ? 100 : Number(limit)
  if (!Number.isInteger(most) || most < 1 || most > 200)
    throw new RequestProblem(400, 'limit is a number from 1 to 200')
  return { ...queryOf(filter), limit: most, after }
}

/** A filter of the page as a query of the docket. @throws RequestProblem */
export function queryOf(filter: ExecutionFilter): ListQuery {
  const { status, waitsFor, from, before, graph, queue, key, errorCode, parent } = filter
  return {
    ...(status !== undefined && status !== '' && { status: status.split(',') as never }),
    ...(waitsFor !== undefined && { waitsFor: waitQuery(waitsFor) }),
    ...(from !== undefined && { from: dateOf('from', from) }),
    ...(before !== undefined && { before: dateOf('before', before) }),
    ...(errorCode !== undefined && { errorCode }),
    ...Object.fromEntries(Object.entries({ graph, queue, key, parent }).filter(([, text]) => text !== undefined)),
  }
}

/** `signal:Name`, `event:Name`, `event:Name:key` or `timer:Name`; a name alone is that of a signal. */
function waitQuery(text: string): NonNullable<ListQuery['waitsFor']> {
  const [, kind = 'signal', rest = text] = /^(signal|event|timer):(.*)$/s.exec(text) ?? []
  if (kind === 'timer') return { timer: rest }
  if (kind === 'signal') return { signal: rest }
  const [, event = rest, key] = /^([^:]*):(.*)$/s.exec(rest) ?? []
  return key === undefined ? { event } : { event, key }
}

function dateOf(name: string, text: string): Date {
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) throw new RequestProblem(400, `${name} is no time`)
  return date
}
