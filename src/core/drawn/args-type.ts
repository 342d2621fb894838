import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe } from '../check-options.ts'
import { didYouMean } from '../closest-name.ts'
import { argsTypeName } from '../graph/drawing.ts'
import { isRecord } from '../is-record.ts'
import type { AnyDataType, AnyPort } from '../language/data-type.ts'
import { isPromise } from '../own-promise.ts'

type Result = StandardSchemaV1.Result<unknown>
type Issue = StandardSchemaV1.Issue

/** The data type of a node's arguments: a record of values for its step's ports, each checked by the port's own schema. */
export function argsType(node: string, ports: Readonly<Record<string, AnyPort>>): AnyDataType {
  const schema: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'docket', validate: (given) => checkArgs(ports, given) },
  }
  return Object.freeze({
    kind: 'dataType',
    name: argsTypeName(node),
    schema: Object.freeze(schema),
    version: undefined,
    // They are given, and shown, together.
    ...(Object.values(ports).some((port) => typeOf(port).isSensitive === true) && { isSensitive: true }),
  })
}

function checkArgs(ports: Readonly<Record<string, AnyPort>>, given: unknown): Result | Promise<Result> {
  if (!isRecord(given))
    return { issues: [{ message: `arguments are an object by the step's inputs, not ${describe(given)}` }] }
  const names = Object.keys(ports)
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(ports, name))
  const issues: Issue[] = unknown.map((name) => ({
    message: `the step has no such input${didYouMean(name, names) || `; it takes: ${names.join(', ') || 'nothing'}`}`,
    path: [name],
  }))
  const checked = names.map((name) => checkPort(ports[name]!, Object.hasOwn(given, name) ? given[name] : undefined))
  const settle = (results: readonly Result[]): Result => {
    const all = [...issues, ...results.flatMap((result, index) => issuesAt(names[index]!, result))]
    if (all.length > 0) return { issues: all }
    return {
      value: Object.fromEntries(names.map((name, index) => [name, (results[index] as { value: unknown }).value])),
    }
  }
  return checked.some((result) => isPromise(result))
    ? Promise.all(checked).then(settle)
    : settle(checked as readonly Result[])
}

function checkPort(port: AnyPort, value: unknown): Result | Promise<Result> {
  const type = typeOf(port)
  if (value === undefined && port.kind === 'optional') return { value }
  if (value === undefined) return { issues: [{ message: `missing: the step takes a "${type.name}"` }] }
  return type.schema === undefined ? { value } : type.schema['~standard'].validate(value)
}

function typeOf(port: AnyPort): AnyDataType {
  return port.kind === 'dataType' ? port : port.type
}

function issuesAt(name: string, { issues }: Result): readonly Issue[] {
  return (issues ?? []).map(({ message, path = [] }) => ({ message, path: [name, ...path] }))
}
