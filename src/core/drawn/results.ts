import { describe } from '../check-options.ts'
import { OptionError } from '../errors.ts'
import { isRegExp } from '../is-builtin.ts'
import { isRecord } from '../is-record.ts'
import type { AnyDataType, TypedDataType, ValueOf } from '../language/data-type.ts'

/** Where results hold what they are, by their names: the same key in every copy of the package, since one may run what another one declares. */
const typesKey = Symbol.for('docket.resultTypes')

/** Results as `ctx.results` has them. */
export function resultsRecord(
  entries: Iterable<readonly [string, unknown]>,
  types: ReadonlyMap<string, AnyDataType>,
): Readonly<Record<string, unknown>> {
  const results = Object.fromEntries(entries)
  Object.defineProperty(results, typesKey, { value: types })
  return Object.freeze(results)
}

/**
 * Of the results that a node reads, all of a data type, in the order of its dependencies: what steps of any number of nodes make.
 *
 * @example run: (_, { results }) => resultsOfType(results, Price).reduce((sum, { euros }) => sum + euros, 0)
 * @throws OptionError for anything that is not `ctx.results`
 */
export function resultsOfType<T extends TypedDataType>(results: object, type: T): readonly ValueOf<T>[] {
  const types = requireTypes('resultsOfType', results)
  requireType('resultsOfType', type)
  // Not of the record's keys: names that look like numbers would come first.
  return [...types].filter(([, { name }]) => name === type.name).map(([key]) => valueOf(results, key) as ValueOf<T>)
}

/**
 * Of the results that a node reads, those of nodes whose names hold a text, or match a regular expression, by name and in the order of its dependencies; `''` stands for all.
 *
 * @example run: (_, { results }) => Object.values(resultsLike(results, 'charge_', Receipt))
 * @throws OptionError where one of them is of another data type, and for anything that is not `ctx.results`
 */
export function resultsLike<T extends TypedDataType>(
  results: object,
  pattern: string | RegExp,
  type: T,
): Readonly<Record<string, ValueOf<T>>> {
  const types = requireTypes('resultsLike', results)
  requireType('resultsLike', type)
  if (typeof pattern !== 'string' && !isRegExp(pattern))
    throw new OptionError(`resultsLike: the pattern must be a text, or a regular expression, not ${describe(pattern)}`)
  // `search` keeps no place in a regular expression, whatever its flags.
  const matches = (name: string): boolean =>
    typeof pattern === 'string' ? name.includes(pattern) : name.search(pattern) !== -1
  const found = [...types].filter(([name]) => matches(name))
  const wrong = found.filter(([, { name }]) => name !== type.name)
  if (wrong.length > 0)
    throw new OptionError(
      `resultsLike: ${wrong.map(([name, of]) => `"${name}" is a "${of.name}"`).join(', ')}, and "${type.name}" is wanted; use another pattern, or resultsOfType`,
    )
  return Object.fromEntries(found.map(([name]) => [name, valueOf(results, name) as ValueOf<T>]))
}

function valueOf(results: object, name: string): unknown {
  return Reflect.get(results, name)
}

function requireTypes(call: string, results: unknown): ReadonlyMap<string, AnyDataType> {
  const types: unknown = isRecord(results) ? Reflect.get(results, typesKey) : undefined
  if (!(types instanceof Map))
    throw new OptionError(
      `${call}: the first argument must be ctx.results of a step in a workflow as it is, not ${describe(results)}`,
    )
  return types as ReadonlyMap<string, AnyDataType>
}

function requireType(call: string, type: unknown): void {
  if (!(isRecord(type) && type['kind'] === 'dataType'))
    throw new OptionError(`${call}: the last argument must be a data type, not ${describe(type)}`)
}
