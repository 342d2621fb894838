import { StoreError } from '../../src/core/errors.ts'

/**
 * What an error of a database says of another try. `passing`: it can help. `lasting`: it can't, since the error is about the value or a
 * mistake of the caller. `unknown`: disks and memory that are full, passwords and permissions that are being changed, tables that are being
 * renamed, and whatever else nobody has listed.
 */
export type Nature = 'passing' | 'lasting' | 'unknown'

/** By the errors that count as transient only since nothing is known of them: how each is reported where a store is opened. */
const whenOpening = new WeakMap<Error, () => StoreError>()

/** What a driver threw, as a StoreError. Only what is known to last is not tried again. */
export function driverError(
  store: string,
  message: string,
  nature: Nature,
  cause: unknown,
  isLocked = false,
): StoreError {
  const error = new StoreError(store, message, nature !== 'lasting', { cause, isLocked })
  if (nature === 'unknown') whenOpening.set(error, () => new StoreError(store, message, false, { cause }))
  return error
}

/** An error of a call that opens a store: a wrong password is more likely wrong than about to become right, and is reported at once. */
export function openingError(error: unknown): unknown {
  return (error instanceof StoreError && whenOpening.get(error)?.()) || error
}

/** Opens a store; what is not known to pass is refused at once. */
export async function opening<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw openingError(error)
  }
}

/** Whether an error is a program's mistake, which JavaScript or Node refused before anything was sent: a value that is too long for a string, say. */
export function isMistake({ name, code }: { readonly name: string; readonly code?: unknown }): boolean {
  return name === 'TypeError' || name === 'RangeError' || (typeof code === 'string' && /^ERR_(?!SSL|TLS)/.test(code))
}
