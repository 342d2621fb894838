import { isRecord } from '../../core/is-record.ts'

/** An error as data that survives JSON. */
interface PersistedError {
  readonly xstate$$error: true
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly cause: unknown
  /** The error's own fields: code, step, attempt and what users add. */
  readonly fields: Readonly<Record<string, unknown>>
}

const deepest = 20

/** Turns errors into data; anything else that was thrown stays what it is. */
export function persistError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error) || depth > deepest) return thrown instanceof Error ? String(thrown) : thrown
  const fields = Object.fromEntries(
    Object.entries(thrown)
      .filter(([key, value]) => key !== 'cause' && key !== 'name' && typeof value !== 'function')
      .map(([key, value]) => [key, persistError(value, depth + 1)]),
  )
  const cause = 'cause' in thrown ? persistError(thrown.cause, depth + 1) : undefined
  return {
    xstate$$error: true,
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    cause,
    fields,
  } satisfies PersistedError
}

/** The error again, as an Error with its name, message, stack, cause and fields; not an instance of its old class. */
export function reviveError(persisted: unknown): unknown {
  if (!isRecord(persisted) || persisted['xstate$$error'] !== true) return persisted
  const { name, message, stack, cause, fields } = persisted as unknown as PersistedError
  const error = new Error(message, cause === undefined ? undefined : { cause: reviveError(cause) })
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  if (stack !== undefined) error.stack = stack
  for (const [key, value] of Object.entries(fields)) Reflect.set(error, key, reviveError(value))
  return error
}
