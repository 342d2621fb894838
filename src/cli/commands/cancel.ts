import { isTerminal, openStatuses } from '../../core/contracts/statuses.ts'
import { bulkAct } from '../bulk-act.ts'
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
      refusalOf: ({ status }) => (isTerminal(status) ? `it has ended: ${status}` : undefined),
      act: async (_, id) => {
        await docket.cancel(id, reason)
        return undefined
      },
    }),
  )
}
