import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { remoteStateOf } from '../../runtime/steps/remote-state.ts'
import { keptStateOf } from './kept-state.ts'

/** Whether one of these steps, which have not ended, has requested something of another service: known by what is on record of it, also where the graph is not. */
export async function haveRequests(id: string, open: readonly StepRecord[], encoding: ValueEncoding): Promise<boolean> {
  for (const { step, item, output } of open) {
    if (output === undefined) continue
    try {
      const kept: unknown = await encoding.decode(output, ['step', id, step, item, 'output'])
      if (remoteStateOf(keptStateOf(kept)) !== undefined) return true
    } catch {
      // What can't be read here is no reason not to end it.
    }
  }
  return false
}
