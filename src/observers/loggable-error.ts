import { DocketError } from '../core/docket-error.ts'
import { describeThrown, isError, membersOf, readOf } from '../core/thrown.ts'

/**
 * What pino's serializer can be given for anything that was thrown: always an object, since those that keep logs want a field to be of one type. It appends the messages of causes, which the messages of Docket's
 * errors end with already; it marks the errors that it reads, which a frozen one refuses; and it reads what may throw. Where one of
 * these matters, a look-alike of the same class takes the error's place.
 */
export function loggableError(thrown: unknown): object {
  const error = loggable(thrown, new Set())
  return typeof error === 'object' && error !== null ? error : shortError(thrown)
}

/** What was thrown without its stack, its fields and its causes, for pino's serializer. */
export function shortError(thrown: unknown): object {
  const given = isError(thrown) ? readOf(thrown, 'name') : undefined
  const name = typeof given === 'string' && given !== '' ? given : thrown === null ? 'null' : typeof thrown
  // The serializer takes the name of what has no class, and copies what it finds by iterating.
  return Object.create(null, {
    name: { value: name },
    message: { value: describeThrown(thrown), enumerable: true },
  }) as object
}

function loggable(thrown: unknown, open: Set<object>): unknown {
  if (typeof thrown !== 'object' || thrown === null) return thrown
  try {
    if (open.has(thrown) || open.size > 20) return describeThrown(thrown)
    if (!(thrown instanceof DocketError) && isHarmless(thrown)) return thrown
    open.add(thrown)
    const copy = Object.create(Object.getPrototypeOf(thrown) as object) as Record<string, unknown>
    const cause = loggable(readOf(thrown, 'cause'), open)
    const fields = {
      ...fieldsOf(thrown, open),
      message: messageOf(thrown, cause),
      stack: readOf(thrown, 'stack') ?? '',
    }
    for (const [key, value] of Object.entries(fields))
      Object.defineProperty(copy, key, { value, enumerable: key !== 'message' && key !== 'stack' })
    Object.defineProperty(copy, 'cause', { value: cause })
    return copy
  } catch {
    return describeThrown(thrown) // a proxy that throws
  }
}

/** Whether the serializer can read an error and its causes, and mark them. */
function isHarmless(error: object): boolean {
  const seen = new Set<unknown>()
  for (let one: unknown = error; typeof one === 'object' && one !== null && !seen.has(one);) {
    seen.add(one)
    if (one instanceof DocketError || !Object.isExtensible(one)) return false
    const fields = one as { readonly message?: unknown; readonly stack?: unknown; readonly cause?: unknown }
    for (const key of ['message', 'stack', ...Object.keys(one)] as const) Reflect.get(fields, key)
    one = fields.cause
  }
  return true
}

function fieldsOf(error: object, open: Set<object>): Record<string, unknown> {
  const keys = Object.keys(error).filter((key) => key !== 'cause' && key !== 'stack' && key !== 'errors')
  const fields = Object.fromEntries(
    keys.map((key) => {
      const value = readOf(error, key)
      return [key, isError(value) ? loggable(value, open) : value]
    }),
  )
  const members = membersOf(error)
  return members.length === 0 ? fields : { ...fields, errors: members.map((member) => loggable(member, open)) }
}

/** The message without what the serializer will append to it. */
function messageOf(error: object, cause: unknown): string {
  const message = describeThrown(error)
  const appended = readOf(cause, 'message')
  if (!(error instanceof DocketError) || typeof appended !== 'string' || appended === '') return message
  const text = describeThrown(readOf(error, 'cause'))
  return message.endsWith(`: ${text}`) ? message.slice(0, -text.length - 2) : message
}
