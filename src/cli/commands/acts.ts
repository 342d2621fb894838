import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { jsonLine } from '../plain-text.ts'

const usualLimit = 50

/** `docket acts`: what people did, the newest first. */
export async function acts(call: CliCall): Promise<ExitCode> {
  const [execution] = call.args
  const { limit = usualLimit } = call.options as { readonly limit?: number }
  return call.withDocket('look', async (docket) => {
    const { printer } = call
    const page = await docket.acts.list({ ...(execution !== undefined && { execution }), limit })
    if (printer.isJson)
      for (const { at, by, act, execution: id, note } of page.acts)
        printer.line(jsonLine({ at: at.toISOString(), by, act, execution: id ?? null, note: note ?? null }))
    else
      for (const line of printer.table(
        ['AT', 'BY', 'ACT', 'EXECUTION', 'NOTE'],
        page.acts.map(({ at, by, act, execution: id, note }) => [at.toISOString(), by, act, id ?? '', note ?? '']),
      ))
        printer.line(line)
    if (page.next !== undefined && !printer.isJson) printer.say(`there are more: --limit ${limit * 10}`)
    return exitCodes.done
  })
}
