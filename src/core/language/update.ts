import type { StandardSchemaV1 } from '@standard-schema/spec'
import { dataType, ownFields } from './data-type.ts'
import type { AnyDataType, DataTypeFrom, TypedDataType, Unchecked, ValueOf } from './data-type.ts'

/** What `validate` of an update sees of the execution: what is on record, and nothing of what is under way. */
export interface UpdateView {
  /** The value of a data type that the execution was given, or that a step has made; undefined as long as there is none. */
  get<T extends TypedDataType>(type: T): ValueOf<T> | undefined
}

/** An update, its types forgotten: a data type that is received, and answered. */
export interface AnyUpdateType extends AnyDataType {
  /** What it is answered with. */
  readonly result: AnyDataType
  readonly validate?: ((value: unknown, view: UpdateView) => void) | undefined
}

/** What a call of `update` declares. */
export interface UpdateDeclaration<Input, Output, Value> {
  /** Schema of what is sent, or `type<T>()`. */
  readonly input: Input
  /** Schema of what it is answered with, or `type<T>()`. */
  readonly output: Output
  /**
   * Refuses an update by throwing: before it is accepted, so that nothing of it has happened. Called where the execution runs, when it is the update's turn; must be
   * synchronous and pure. @default all that fit the schema are accepted
   */
  readonly validate?: ((value: Value, view: UpdateView) => void) | undefined
  /** Whether values of it, and its answers, are never shown, logged or exported by any tool of Docket, as in `dataType`. @default false */
  readonly sensitive?: boolean | undefined
}

type Source = StandardSchemaV1 | Unchecked<unknown>

/** Made by `update`: a data type that a step receives and answers. */
export type UpdateType<Name extends string, Input, Output> = DataTypeFrom<Name, Input> & {
  /** What it is answered with. */
  readonly result: DataTypeFrom<Name, Output>
}

/** What an update is answered with. */
export type AnswerOf<U> = U extends { readonly result: infer Result extends TypedDataType } ? ValueOf<Result> : never

/**
 * Declares a request that a running execution answers: a durable step takes it with `receive` and answers it with `reply`, and `handle.update` waits for that.
 *
 * @example
 * const ChangeAddress = update('ChangeAddress', {
 *   input: z.object({ street: z.string() }),
 *   output: z.object({ shipsTo: z.string() }),
 *   validate: ({ street }) => { if (street === '') throw new Error('where to?') },
 * })
 */
export function update<const Name extends string, Input extends Source, Output extends Source>(
  name: Name,
  declaration: UpdateDeclaration<Input, Output, ValueOf<Extract<DataTypeFrom<Name, Input>, TypedDataType>>>,
): UpdateType<Name, Input, Output> {
  const { input, output, validate, sensitive, ...extra } = ownFields(declaration)
  const options = sensitive === undefined ? {} : { sensitive: sensitive as boolean }
  const type = dataType(name, input as Source, options) as unknown as AnyDataType
  const result = dataType(name, output as Source, options)
  return Object.freeze({ ...type, ...extra, result, ...(validate !== undefined && { validate }) }) as never
}

/** Whether a data type is an update. */
export function isUpdateType(type: AnyDataType): type is AnyUpdateType {
  return 'result' in type
}
