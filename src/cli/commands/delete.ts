import { bulkAct } from '../bulk-act.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { confirm, dryRun } from '../confirm.ts'
import { onRecord } from '../record-act.ts'

/** `docket delete`: deletes executions with all their records; those that have not ended are cancelled first. */
export async function deleteExecutions(call: CliCall): Promise<ExitCode> {
  if (call.args.length === 1 && !call.has('dryRun'))
    await confirm(call, 'delete 1 execution with all its records?', dryRun)
  const undo = !call.has('noUndo') && call.options['undo'] !== false
  return call.withDocket('act', async (docket) =>
    bulkAct(call, docket, {
      verb: 'delete',
      done: 'deleted',
      refusalOf: () => undefined,
      act: async (_, id) => ((await docket.delete(id, { undo })) ? undefined : 'notFound'),
    }),
  )
}

const endStatuses = ['completed', 'failed', 'cancelled'] as const

/** `docket purge`: deletes executions that ended a while ago. */
export async function purge(call: CliCall): Promise<ExitCode> {
  if (call.options['olderThan'] === undefined && !call.has('all'))
    throw new CliError(
      exitCodes.usage,
      'purge: say how long ago they must have ended, as in --older-than 30d, or --all for all of them',
    )
  const { olderThan = 0, status = endStatuses } = call.options as {
    readonly olderThan?: number
    readonly status?: readonly (typeof endStatuses)[number][]
  }
  return call.withDocket('act', async (docket) => {
    const { printer } = call
    const endedBefore = Date.now() - olderThan
    let found = 0
    let isMore = false
    // One that was created later has not ended before.
    for (let after: string | undefined; !isMore;) {
      const page = await docket.list({ status, before: new Date(endedBefore), limit: 1_000, after })
      found += page.executions.filter(({ endedAt }) => endedAt !== undefined && endedAt.getTime() < endedBefore).length
      isMore = found >= 10_000
      if (page.next === undefined) break
      after = page.next
    }
    const many = isMore ? '10,000+' : found.toLocaleString('en')
    if (call.has('dryRun')) {
      printer.result({ wouldBe: found, isMore }, () => `${many} would be deleted`)
      return exitCodes.done
    }
    if (found > 0) await confirm(call, `delete ${many} executions with all their records?`, dryRun)
    const note = `${status.join(', ')} before ${new Date(endedBefore).toISOString()}`
    const deleted = await onRecord(docket, { act: 'purge', note }, () => docket.purge({ olderThan, status }))
    printer.result({ deleted }, () => `${deleted.toLocaleString('en')} deleted`)
    return exitCodes.done
  })
}
