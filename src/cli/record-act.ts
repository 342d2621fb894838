import { hostname, userInfo } from 'node:os'
import type { Docket } from '../index.ts'

/** Writes an act down before it is done, under the user of the machine. @throws StoreError: what can't be written down is not done */
export async function recordAct(
  docket: Docket,
  act: string,
  about: { readonly execution?: string | undefined; readonly note?: string | undefined } = {},
): Promise<void> {
  await docket.acts.record({ by: userOfMachine(), act, ...about })
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
