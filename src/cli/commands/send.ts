import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { isUpdateType } from '../../core/language/update.ts'
import { hidden } from '../execution-json.ts'
import { requireExecution } from '../find-execution.ts'
import { jsonValueOf } from '../json-value.ts'
import { plain, plainLines } from '../plain-text.ts'
import { readValue } from '../read-inputs.ts'
import { readTimeToCome } from '../read-options.ts'
import { recordAct } from '../record-act.ts'
import { typeNamed } from '../type-named.ts'

/** `docket signal`: gives an execution a value that one of its steps waits for. */
export async function signal(call: CliCall): Promise<ExitCode> {
  const [id = '', typeName = ''] = call.args
  const value = await valueOf(call)
  return call.withDocket('act', async (docket) => {
    const handle = await requireExecution(docket, id)
    const type = await typeNamed(docket, handle, typeName, false)
    await recordAct(docket, 'signal', { execution: id, note: typeName })
    const verdict = await handle.signal(type as never, value as never, messageOptions(call))
    call.printer.result({ id, signal: typeName, verdict }, () => `${plain(id)}  ${verdict}`)
    return verdict === 'late' || verdict === 'ended' ? exitCodes.refused : exitCodes.done
  })
}

/** `docket update`: sends an update, and prints what it is answered with. */
export async function update(call: CliCall): Promise<ExitCode> {
  const [id = '', typeName = ''] = call.args
  const value = await valueOf(call)
  return call.withDocket('act', async (docket) => {
    const handle = await requireExecution(docket, id)
    const type = await typeNamed(docket, handle, typeName, true)
    await recordAct(docket, 'update', { execution: id, note: typeName })
    const { wait } = call.options
    const answer: unknown = await handle.update(type as never, value as never, {
      ...messageOptions(call),
      timeout: (wait as number | undefined) ?? '30s',
    })
    const json = isUpdateType(type) && type.result.isSensitive === true ? hidden : jsonValueOf(answer)
    call.printer.result({ id, update: typeName, answer: json }, () => plainLines(JSON.stringify(json, null, 2)))
    return exitCodes.done
  })
}

function messageOptions(call: CliCall): { readonly id?: string; readonly item?: number } {
  const id = call.text('id')
  const { item } = call.options as { readonly item?: number }
  return { ...(id !== undefined && { id }), ...(item !== undefined && { item }) }
}

async function valueOf(call: CliCall): Promise<unknown> {
  const text = call.text('value')
  if (text === undefined) throw new CliError(exitCodes.usage, '--value <json> says what is sent; @file and - read it')
  return readValue(call.streams, text)
}

/** `docket query`: prints what a query of the graph gives. */
export async function query(call: CliCall): Promise<ExitCode> {
  const [id = '', name = ''] = call.args
  const text = call.text('input')
  const input = text === undefined ? undefined : await readValue(call.streams, text)
  return call.withDocket('look', async (docket) => {
    const handle = await requireExecution(docket, id)
    const result = jsonValueOf(await handle.query(name, ...(input === undefined ? [] : [input])))
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
    await recordAct(docket, 'reschedule', { execution: id, note: `${timer} ${whenText}` })
    const verdict = await handle.reschedule(timer, when, item === undefined ? {} : { item })
    call.printer.result({ id, timer, verdict }, () => `${plain(id)}  ${verdict}`)
    return verdict === 'accepted' ? exitCodes.done : exitCodes.refused
  })
}
