import type { AnyDataType } from '../core/language/data-type.ts'
import { describeThrown } from '../core/thrown.ts'

/** A value does not fit its type. */
export class MisfitError extends Error {}

// What a schema says of a value quotes it.
const closed = 'does not fit its schema (what does not is left out, since the type is sensitive)'

/** The value as its type's schema gives it. @throws (as rejection) MisfitError that says what does not fit, and where */
export async function checkedValue({ name, schema, isSensitive }: AnyDataType, given: unknown): Promise<unknown> {
  if (schema === undefined) return given
  let result
  try {
    result = await schema['~standard'].validate(given)
  } catch (thrown) {
    if (isSensitive === true) throw new MisfitError(`${name}: ${closed}`)
    throw new MisfitError(`${name}: its schema threw: ${describeThrown(thrown)}`)
  }
  if (result.issues === undefined) return result.value
  if (isSensitive === true) throw new MisfitError(`${name}: ${closed}`)
  const texts = [...result.issues].slice(0, 20).map(({ message, path = [] }) => {
    const keys = Array.from(path, (segment) => String(typeof segment === 'object' ? segment.key : segment))
    return `${[name, ...keys].join('.').slice(0, 200)}: ${message.slice(0, 500)}`
  })
  throw new MisfitError(texts.join('; '))
}
