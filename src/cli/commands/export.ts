import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { requireExecution } from '../find-execution.ts'
import { plainLines } from '../plain-text.ts'

/** `docket export`: an execution with all its records, as a document for a bug report, or for `createTestDocket({ from })`. */
export async function exportExecution(call: CliCall): Promise<ExitCode> {
  const [id = ''] = call.args
  return call.withDocket('look', async (docket) => {
    await requireExecution(docket, id)
    const document = await docket.export(id, { decode: call.has('decode') })
    call.printer.result(document, () => plainLines(JSON.stringify(document, null, 2)))
    return exitCodes.done
  })
}
