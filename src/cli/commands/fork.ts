import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { requireExecution } from '../find-execution.ts'
import { plain } from '../plain-text.ts'
import { readInputs } from '../read-inputs.ts'
import { onRecord } from '../record-act.ts'
import { sayUnlessServed } from '../unserved-queues.ts'

/** `docket fork`: begins a new execution with what another one has, but for a step and what depends on it. */
export async function fork(call: CliCall): Promise<ExitCode> {
  const [id = ''] = call.args
  const from = call.text('from')
  const override = call.options['override'] as readonly string[] | undefined
  if (from === undefined && override === undefined)
    throw new CliError(
      exitCodes.usage,
      '--from <step> says which step is done anew, or --override which values are others',
    )
  const overrides = override === undefined ? undefined : await readInputs(call.streams, override)
  const newId = call.text('id')
  return call.withDocket('act', async (docket) => {
    await requireExecution(docket, id)
    const note = from === undefined ? 'with other values' : `from ${from}`
    const made = await onRecord(docket, { act: 'fork', execution: id, note }, () =>
      docket.fork(id, {
        ...(from !== undefined && { from }),
        ...(overrides !== undefined && { overrides }),
        ...(newId !== undefined && { id: newId }),
      }),
    )
    call.printer.result({ id: made.id, forkedFrom: id }, () => plain(made.id, 2_000))
    await sayUnlessServed(call, docket, made)
    return exitCodes.done
  })
}
