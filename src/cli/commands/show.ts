import type { Docket, ExecutionDetails, ExecutionHandle, MailboxPage } from '../../index.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { detailsText } from '../details-text.ts'
import { detailsJson } from '../execution-json.ts'
import { requireExecution } from '../find-execution.ts'
import { looksAt } from '../looks-at.ts'
import { mailboxJson, mailboxLines, mostMessages } from '../mailbox-text.ts'
import { jsonLine, plainLines } from '../plain-text.ts'

/** `docket show`: one execution with its steps and its mailbox, once or until it has ended. */
export async function show(call: CliCall): Promise<ExitCode> {
  return call.withDocket('look', async (docket) => {
    const [id = ''] = call.args
    const handle = await requireExecution(docket, id)
    if (call.has('follow')) return follow(call, docket, handle)
    const details = await handle.details({ live: call.has('live') })
    const shown = await shownOf(call, docket, details)
    call.printer.result(jsonOf(call, shown), () => textOf(call, shown))
    return exitCodes.done
  })
}

/** Shows it again whenever something has changed. */
async function follow(call: CliCall, docket: Docket, handle: ExecutionHandle<unknown>): Promise<ExitCode> {
  let last = ''
  let lines = 0
  for await (const details of looksAt(handle, call.streams)) {
    const { printer } = call
    const shown = await shownOf(call, docket, details)
    const text = printer.isJson ? jsonLine(jsonOf(call, shown)) : textOf(call, shown)
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

/** What is shown of an execution. */
interface Shown {
  readonly details: ExecutionDetails
  readonly mailbox: MailboxPage
}

async function shownOf(call: CliCall, docket: Docket, details: ExecutionDetails): Promise<Shown> {
  const { id, status, lease } = details
  // Details say what this command's own docket would do about an execution that nobody runs: nothing.
  const isRun = isTerminal(status) || lease?.isAlive === true
  const [mailbox, situation] = await Promise.all([
    docket.mailbox(id, { values: call.has('values'), limit: mostMessages }),
    isRun ? details.situation : docket.why(id).then(({ text }) => text),
  ])
  return { details: { ...details, situation }, mailbox }
}

function jsonOf(call: CliCall, { details, mailbox }: Shown): Record<string, unknown> {
  const withValues = call.has('values')
  return { ...detailsJson(details, withValues), mailbox: mailboxJson(mailbox, withValues) }
}

function textOf(call: CliCall, { details, mailbox }: Shown): string {
  const text = [detailsText(details, call.printer), ...mailboxLines(mailbox, call.printer)].join('\n')
  if (!call.has('values')) return text
  const { inputs, overrides, output, steps } = detailsJson(details, true)
  const made = (steps as readonly { step: string; output: unknown }[]).map((step) => [step.step, step.output] as const)
  const { messages } = mailboxJson(mailbox, true)
  const sent = (messages as readonly { kind: string; type: string | null; value: unknown }[]).map(
    ({ kind, type, value }) => ({ [type ?? kind]: value }),
  )
  const shown = {
    inputs,
    overrides,
    steps: Object.fromEntries(made),
    output,
    ...(sent.length > 0 && { mailbox: sent }),
  }
  return `${text}\n\n${plainLines(JSON.stringify(shown, null, 2))}`
}
