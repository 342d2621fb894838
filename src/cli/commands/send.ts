import type { ExecutionHandle } from '../../index.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { describeThrown } from '../../core/thrown.ts'
import { hidden } from '../execution-json.ts'
import { requireExecution } from '../find-execution.ts'
import { jsonValueOf } from '../json-value.ts'
import { plain, plainLines } from '../plain-text.ts'
import { readValue } from '../read-inputs.ts'
import { readTimeToCome } from '../read-options.ts'
import { onRecord } from '../record-act.ts'
import { typeNamed } from '../type-named.ts'
import { sayUnlessServed } from '../unserved-queues.ts'

/** `docket signal`: gives an execution a value that one of its steps waits for. */
export async function signal(call: CliCall): Promise<ExitCode> {
  const [id = '', typeName = ''] = call.args
  const value = await valueOf(call)
  return call.withDocket('act', async (docket) => {
    const handle = await requireExecution(docket, id)
    const type = await typeNamed(docket, handle, typeName, false)
    const verdict = await onRecord(
      docket,
      { act: 'signal', execution: id, note: typeName },
      () => handle.signal(type as never, value as never, messageOptions(call)),
      unlessAccepted,
    )
    call.printer.result({ id, signal: typeName, verdict }, () => `${plain(id)}  ${verdict}`)
    if (verdict === 'late' || verdict === 'ended') return exitCodes.refused
    await sayUnlessServed(call, docket, handle)
    return exitCodes.done
  })
}

/** `docket update`: sends an update, and prints what it is answered with. */
export async function update(call: CliCall): Promise<ExitCode> {
  const [id = '', typeName = ''] = call.args
  const value = await valueOf(call)
  return call.withDocket('act', async (docket) => {
    const handle = await requireExecution(docket, id)
    const type = await typeNamed(docket, handle, typeName, true)
    const { wait } = call.options
    const options = { ...messageOptions(call), timeout: (wait as number | undefined) ?? '30s' }
    // Before the wait for an answer, which nobody gives then.
    await sayUnlessServed(call, docket, handle)
    const answer: unknown = await onRecord(docket, { act: 'update', execution: id, note: typeName }, () =>
      handle.update(type as never, value as never, options),
    )
    const isHidden = isSensitiveType(type) || (await mayBeSensitive(call, handle, typeName))
    const json = isHidden ? hidden : jsonValueOf(answer)
    call.printer.result({ id, update: typeName, answer: json }, () => plainLines(JSON.stringify(json, null, 2)))
    return exitCodes.done
  })
}

/** Whether it is declared so on record: where its graph is not known here, nothing else says it. What was done is no failure where that can't be read. */
async function mayBeSensitive(
  { printer }: CliCall,
  handle: ExecutionHandle<unknown>,
  typeName: string,
): Promise<boolean> {
  try {
    return (await handle.info()).sensitive.includes(typeName)
  } catch (error) {
    printer.say(
      `the update was answered; whether the answer is sensitive could not be found out (${plain(describeThrown(error))}): it is not shown`,
    )
    return true
  }
}

function unlessAccepted(verdict: string): string | undefined {
  return verdict === 'accepted' ? undefined : verdict
}

function messageOptions(call: CliCall): { readonly id?: string; readonly item?: number } {
  const id = call.text('id')
  const { item } = call.options as { readonly item?: number }
  return { ...(id !== undefined && { id }), ...(item !== undefined && { item }) }
}

async function valueOf(call: CliCall): Promise<unknown> {
  const text = call.text('value')
  if (text === undefined) throw new CliError(exitCodes.usage, '--value <json> says what is sent; @file and - read it')
  return readValue(call.streams, text, '--value')
}

/** `docket query`: prints what a query of the graph gives. */
export async function query(call: CliCall): Promise<ExitCode> {
  const [id = '', name = ''] = call.args
  const text = call.text('input')
  const input = text === undefined ? undefined : await readValue(call.streams, text, '--input')
  return call.withDocket('look', async (docket) => {
    const handle = await requireExecution(docket, id)
    const answer = await handle.query(name, ...(input === undefined ? [] : [input]))
    // Nothing says of which types an answer is made.
    const { sensitive } = await handle.details()
    const result = sensitive.length === 0 ? jsonValueOf(answer) : hidden
    if (sensitive.length > 0)
      call.printer.say(
        `the answer may be made of what is sensitive (${sensitive.map((one) => plain(one)).join(', ')}): it is not shown`,
      )
    call.printer.result({ id, query: name, result }, () => plainLines(JSON.stringify(result, null, 2)))
    return exitCodes.done
  })
}

/** `docket reschedule`: gives a timer another time. */
export async function reschedule(call: CliCall): Promise<ExitCode> {
  const [id = '', timer = '', whenText = ''] = call.args
  const when = readTimeToCome(whenText)
  const { item } = call.options as { readonly item?: number }
  return call.withDocket('act', async (docket) => {
    const handle = await requireExecution(docket, id)
    const verdict = await onRecord(
      docket,
      { act: 'reschedule', execution: id, note: `${timer} ${whenText}` },
      () => handle.reschedule(timer, when, item === undefined ? {} : { item }),
      unlessAccepted,
    )
    call.printer.result({ id, timer, verdict }, () => `${plain(id)}  ${verdict}`)
    if (verdict !== 'accepted') return exitCodes.refused
    await sayUnlessServed(call, docket, handle)
    return exitCodes.done
  })
}
