import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { requireExecution } from '../find-execution.ts'
import { plain } from '../plain-text.ts'
import { recordAct } from '../record-act.ts'

/** `docket fork`: begins a new execution with what another one has, but for a step and what depends on it. */
export async function fork(call: CliCall): Promise<ExitCode> {
  const [id = ''] = call.args
  const from = call.text('from')
  if (from === undefined) throw new CliError(exitCodes.usage, '--from <step> says which step is done anew')
  const newId = call.text('id')
  return call.withDocket('act', async (docket) => {
    await requireExecution(docket, id)
    await recordAct(docket, `fork from ${from}`, id)
    const made = await docket.fork(id, { from, ...(newId !== undefined && { id: newId }) })
    call.printer.result({ id: made.id, forkedFrom: id }, () => plain(made.id, 2_000))
    return exitCodes.done
  })
}
