import { readOf } from '../../core/thrown.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { userOfMachine } from '../record-act.ts'
import { untilAborted } from '../until-aborted.ts'

/** `docket inspect`: serves the page until it is interrupted. */
export async function inspect(call: CliCall): Promise<ExitCode> {
  const { port, ingest = false } = call.options as { readonly port?: number; readonly ingest?: boolean }
  const host = call.text('host')
  // Not an option: those are in the list of processes.
  const token = call.streams.env['DOCKET_INSPECTOR_TOKEN']
  const allowActions = call.has('allowActions')
  const { signal } = call.streams
  return call.withDocket(allowActions ? 'act' : 'look', async (docket) => {
    const { createInspector } = await import('../../inspector/index.ts')
    const opening = createInspector({
      docket,
      allowActions,
      ingest,
      user: userOfMachine(),
      ...(port !== undefined && { port }),
      ...(host !== undefined && { host }),
      ...(token !== undefined && { token }),
    })
    const inspector = await opening.catch((error: unknown) => {
      if (readOf(error, 'code') !== 'EADDRINUSE') throw error
      throw new CliError(
        exitCodes.refused,
        `port ${port} of ${host ?? '127.0.0.1'} is in use by another program: give another --port, or none for one that is free`,
        { cause: error },
      )
    })
    try {
      const { url, ingestUrl = null } = inspector
      call.printer.result({ url, ingestUrl }, () => (ingestUrl === null ? url : `${url}\n${ingestUrl}`))
      call.printer.say(
        `${allowActions ? 'it may be acted on' : 'it is read-only (--allow-actions lets the page act)'}; SIGINT ends it`,
      )
      await untilAborted(signal)
    } finally {
      await inspector.close()
    }
    return exitCodes.done
  })
}
