import type { ErrorPlace } from '../../core/docket-error.ts'
import { RerunMismatchError } from '../../core/errors.ts'
import type { Checkpoint } from './checkpoints.ts'

/** A verb that a function calls. */
interface Called {
  readonly kind: string
  readonly name: string
}

/** A verb is called by a name under which another one is on record. */
export function wrongKind(place: ErrorPlace, called: Called, known: Checkpoint): RerunMismatchError {
  return new RerunMismatchError(
    `it calls ${text(called)}, which is on record as ${text(known)}`,
    text(known),
    text(called),
    place,
  )
}

/** The function has ended, or waits for something else, though something on record was not called. */
export function wrongOrder(place: ErrorPlace, called: Called | undefined, expected: Checkpoint): RerunMismatchError {
  const found = called === undefined ? 'ended' : text(called)
  const what = called === undefined ? 'it ended' : `it calls ${found}`
  return new RerunMismatchError(`${what} where ${text(expected)} is next on record`, text(expected), found, place)
}

function text({ kind, name }: Called): string {
  return `${kind} "${name}"`
}
