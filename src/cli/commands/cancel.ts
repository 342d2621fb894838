import type { Docket } from '../../index.ts'
import { isTerminal, openStatuses } from '../../core/contracts/statuses.ts'
import { bulkAct, requested } from '../bulk-act.ts'
import type { CliCall } from '../cli-call.ts'
import type { ExitCode } from '../cli-error.ts'

/** `docket cancel`: ends executions wherever they run. */
export async function cancel(call: CliCall): Promise<ExitCode> {
  const reason = call.text('reason')
  return call.withDocket('act', (docket) =>
    bulkAct(call, docket, {
      verb: 'cancel',
      done: 'cancelled',
      statuses: openStatuses,
      refusalOf: ({ status }) => (isTerminal(status) ? hasEnded(status) : undefined),
      note: reason,
      act: async (_, id) => {
        await docket.cancel(id, reason)
        return outcomeOf(docket, id)
      },
    }),
  )
}

/** Where another process runs it, that ends it in a moment, and one that has something to undo ends once that is undone. @throws Error where it came to another end */
async function outcomeOf(docket: Docket, id: string): Promise<string | undefined> {
  const status = (await (await docket.get(id))?.info())?.status
  if (status === undefined || status === 'cancelled') return undefined
  if (isTerminal(status)) throw new Error(hasEnded(status))
  return requested
}

function hasEnded(status: string): string {
  return `it has ended: ${status}`
}
