import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { isoOf } from '../json-value.ts'
import { jsonLine } from '../plain-text.ts'

/** `docket workers`: the processes that live, with a docket on the store. */
export async function workers(call: CliCall): Promise<ExitCode> {
  return call.withDocket('look', async (docket) => {
    const { printer } = call
    const all = (await docket.workers()).filter(({ isHere }) => !isHere)
    if (printer.isJson)
      for (const { owner, name, version, queues, graphs, host, pid, since, renewedAt, expiresAt } of all)
        printer.line(
          jsonLine({
            owner,
            name,
            version: version ?? null,
            queues,
            graphs,
            host,
            pid,
            since: isoOf(since),
            renewedAt: isoOf(renewedAt),
            expiresAt: isoOf(expiresAt),
          }),
        )
    else
      for (const line of printer.table(
        ['OWNER', 'VERSION', 'HOST', 'PID', 'SINCE', 'RENEWED', 'QUEUES'],
        all.map((one) => [
          one.owner,
          one.version ?? '',
          one.host,
          String(one.pid),
          isoOf(one.since) ?? '',
          isoOf(one.renewedAt) ?? '',
          Object.entries(one.queues)
            .map(([queue, slots]) => `${queue}=${slots}`)
            .join(', ') || 'none',
        ]),
      ))
        printer.line(line)
    return exitCodes.done
  })
}
