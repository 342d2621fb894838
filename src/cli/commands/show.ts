import type { ExecutionDetails, ExecutionHandle } from '../../index.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { detailsText } from '../details-text.ts'
import { detailsJson } from '../execution-json.ts'
import { requireExecution } from '../find-execution.ts'
import { looksAt } from '../looks-at.ts'
import { jsonLine, plainLines } from '../plain-text.ts'

/** `docket show`: one execution with its steps, once or until it has ended. */
export async function show(call: CliCall): Promise<ExitCode> {
  return call.withDocket('look', async (docket) => {
    const [id = ''] = call.args
    const handle = await requireExecution(docket, id)
    if (!call.has('follow')) {
      const details = await handle.details({ live: call.has('live') })
      print(call, details)
      return exitCodes.done
    }
    return follow(call, handle)
  })
}

/** Shows it again whenever something has changed. */
async function follow(call: CliCall, handle: ExecutionHandle<unknown>): Promise<ExitCode> {
  let last = ''
  let lines = 0
  for await (const details of looksAt(handle, call.streams.signal)) {
    const { printer } = call
    const text = printer.isJson ? jsonLine(detailsJson(details, call.has('values'))) : textOf(call, details)
    if (text !== last) {
      // On a terminal the new picture takes the place of the old one.
      if (printer.isTerminal && lines > 0) call.streams.stdout.write(`\u001b[${lines}A\u001b[0J`)
      printer.line(text)
      last = text
      lines = text.split('\n').length
    }
    if (isTerminal(details.status)) return details.status === 'completed' ? exitCodes.done : exitCodes.failed
  }
  return exitCodes.interrupted
}

function print(call: CliCall, details: ExecutionDetails): void {
  call.printer.result(detailsJson(details, call.has('values')), () => textOf(call, details))
}

function textOf(call: CliCall, details: ExecutionDetails): string {
  const text = detailsText(details, call.printer)
  if (!call.has('values')) return text
  const { inputs, overrides, output, steps } = detailsJson(details, true)
  const made = (steps as readonly { step: string; output: unknown }[]).map((step) => [step.step, step.output] as const)
  const shown = { inputs, overrides, steps: Object.fromEntries(made), output }
  return `${text}\n\n${plainLines(JSON.stringify(shown, null, 2))}`
}
