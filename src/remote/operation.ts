import { describe } from '../core/check-options.ts'
import { problemOfDataType } from '../core/graph/check-step.ts'
import { isRecord } from '../core/is-record.ts'
import { ownFields } from '../core/language/data-type.ts'
import type { AnyDataType, DataTypeHint, TypedDataType } from '../core/language/data-type.ts'

/** An operation that one service offers to others. Made by `operation`. */
export interface Operation<Name extends string, Input extends TypedDataType, Output extends TypedDataType> {
  readonly kind: 'operation'
  /** `service/operation`: what it is called in paths. */
  readonly name: Name
  /** What it is polled with: JSON. */
  readonly input: Input
  /** What it answers with: JSON. */
  readonly output: Output
}

/** An operation, its types forgotten. */
export interface AnyOperation {
  readonly kind: 'operation'
  /** `service/operation`. */
  readonly name: string
  /** What it is called with. */
  readonly input: AnyDataType
  /** What it answers with. */
  readonly output: AnyDataType
}

/** What `operation` takes. */
export interface OperationDeclaration<Input extends TypedDataType, Output extends TypedDataType> {
  /** The type of what it is polled with, as JSON. */
  readonly input: Input | DataTypeHint
  /** The type of what it answers with, as JSON. */
  readonly output: Output | DataTypeHint
}

/**
 * Declares what one service does for others: a name, and the types of what it is polled with and answers with. Both services have it, in a package that they share or
 * written twice. Inert: whoever uses it reports what is wrong with it.
 *
 * @example
 * const Charge = operation('billing/charge', { input: ChargeRequest, output: Receipt })
 */
export function operation<const Name extends string, Input extends TypedDataType, Output extends TypedDataType>(
  name: Name,
  declaration: OperationDeclaration<Input, Output>,
): Operation<Name, Input, Output> {
  return Object.freeze({ ...ownFields(declaration), kind: 'operation', name }) as never
}

const nameForm = /^[^/\s]{1,100}\/[^/\s]{1,100}$/

/** What is wrong with an operation, each in words. */
export function problemsOfOperation(given: unknown): readonly string[] {
  if (!isRecord(given) || given['kind'] !== 'operation')
    return [`${describe(given)} is not an operation; make one with operation('service/name', { input, output })`]
  const { name, input, output, kind: _, ...rest } = given
  const problems: string[] = []
  if (typeof name !== 'string' || !nameForm.test(name) || name.includes('\0'))
    problems.push(
      `an operation is named 'service/operation', without spaces and further slashes, not ${describe(name)}`,
    )
  for (const [what, type] of Object.entries({ input, output })) {
    const problem = problemOfDataType(type)
    if (problem !== undefined) problems.push(`operation ${describe(name)}: its ${what} ${problem}`)
  }
  for (const key of Object.keys(rest))
    problems.push(`operation ${describe(name)} has the unknown option "${key}"; known are input, output`)
  return problems
}
