import { bulkAct } from '../bulk-act.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'

/** `docket retry`: lets executions that failed or were cancelled go on, in whatever process serves their queues. */
export async function retry(call: CliCall): Promise<ExitCode> {
  const items = call.options['item'] as readonly string[] | undefined
  if (items !== undefined && call.args.length !== 1)
    throw new CliError(exitCodes.usage, '--item is for one batch: give its id')
  return call.withDocket('act', (docket) =>
    bulkAct(call, docket, {
      verb: 'retry',
      done: 'retried',
      leavesReady: true,
      // Of those that completed only batches may have something to retry: whoever means them says so.
      statuses: ['failed', 'cancelled'],
      refusalOf: ({ status }) => {
        if (status === 'failed' || status === 'cancelled' || status === 'completed') return undefined
        return `it has not ended: ${status}`
      },
      act: async (_, id) => {
        await docket.retry(id, items === undefined ? {} : { items })
        return undefined
      },
    }),
  )
}
