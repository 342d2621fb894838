import { describeThrown } from '../thrown.ts'
import { isRecord } from '../is-record.ts'
import type { AnyDataType, DataTypeHint, GivenOf, TypedDataType } from './data-type.ts'
import type { AnyStep, TypedStep } from './step.ts'

/** A step that has its value from its declaration. Made by `value`. */
export interface ValueStep<Output extends TypedDataType> extends TypedStep {
  readonly kind: 'value'
  /** That of the type. */
  readonly name: Output['name']
  /** A value needs none. */
  readonly inputs: Readonly<Record<never, never>>
  /** The data type that the value is of. */
  readonly output: Output
  /** The value as it was declared, before the schema converts it. */
  readonly value: GivenOf<Output>
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: never
    readonly wants: never
    readonly touches: Output
  }
}

/**
 * Makes a data type of a value that is known when the graph is declared: a configuration, a model, a client. It is a step, named like
 * its type, without inputs; calls can override it like any other. Its value is made anew where an execution goes on after a restart:
 * it is never remembered, and no default of the graph holds for it.
 *
 * Inert: `graph()` checks the value against the type's schema, where the schema is synchronous; where it is not, the first use does.
 * The value is handed to all that take it as it is; where the schema converts, it is converted once for all.
 *
 * @example
 * const prices = graph({ name: 'prices', steps: [value(Rates, { EUR: 1, USD: 1.1 }), convert] })
 */
export function value<Output extends TypedDataType>(
  type: Output | DataTypeHint,
  value: GivenOf<Output>,
): ValueStep<Output> {
  const name = isRecord(type) ? type.name : undefined
  return Object.freeze({
    kind: 'value',
    name,
    inputs: noInputs,
    output: type,
    value,
    run: () => value,
  }) as unknown as ValueStep<Output>
}

const noInputs = Object.freeze({})

/** Whether the step's value is part of its declaration. */
export function isValueStep(step: AnyStep): step is AnyStep & { readonly value: unknown } {
  return step.kind === 'value'
}

/** Why a value does not fit its type, as far as that can be said at once. Never throws. */
export function problemsOfValue(type: AnyDataType, given: unknown): readonly string[] {
  const problems = found(type, given)
  // What a schema says of a value quotes it.
  return problems.length > 0 && type.isSensitive === true
    ? ['what does not is left out, since the type is sensitive']
    : problems
}

function found(type: AnyDataType, given: unknown): readonly string[] {
  if (type.schema === undefined) return []
  try {
    const result = type.schema['~standard'].validate(given)
    if ('then' in result) {
      // Its first use says it.
      Promise.resolve(result).catch(() => {})
      return []
    }
    return (result.issues ?? []).map(({ message, path = [] }) =>
      [...path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)), message].join(': '),
    )
  } catch (thrown) {
    return [`the schema itself threw: ${describeThrown(thrown)}`]
  }
}
