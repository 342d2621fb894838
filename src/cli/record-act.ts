import { hostname, userInfo } from 'node:os'
import type { Docket } from '../index.ts'

/** Records an act before it is done, under the user of the machine. */
export async function recordAct(docket: Docket, act: string, execution?: string): Promise<void> {
  const { acts } = docket as unknown as {
    readonly acts?: { record(act: { by: string; act: string; execution?: string }): Promise<unknown> }
  }
  await acts?.record({ by: actor(), act, ...(execution !== undefined && { execution }) })
}

function actor(): string {
  let user = 'unknown'
  try {
    user = userInfo().username
  } catch {
    // A container may run under a number that has no name.
  }
  return `${user}@${hostname()}`
}
