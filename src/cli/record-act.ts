import { hostname, userInfo } from 'node:os'
import type { Docket, NewAct } from '../index.ts'

/**
 * Does something that is on record, under the user of the machine, before it is done: what can't be written down is not done.
 * @param notDone why a result means that nothing was done
 * @throws StoreError, and what the work throws
 */
export function onRecord<Result>(
  docket: Docket,
  act: Omit<NewAct, 'by'>,
  work: () => Promise<Result>,
  notDone?: (result: Result) => string | undefined,
): Promise<Result> {
  return docket.acts.perform({ by: userOfMachine(), ...act }, work, notDone)
}

/** The user of this machine, as `user@host`: at most 500 characters. */
export function userOfMachine(): string {
  let user = 'unknown'
  try {
    user = userInfo().username
  } catch {
    // A container may run under a number that has no name.
  }
  return `${user}@${hostname()}`.slice(0, 500)
}
