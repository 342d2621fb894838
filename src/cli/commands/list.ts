import type { ExecutionInfo, ListQuery } from '../../index.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { filterOf, hintOfGraph, pagesOf } from '../execution-filter.ts'
import { rowOf } from '../execution-json.ts'
import { jsonErrorOf } from '../json-value.ts'
import { jsonLine } from '../plain-text.ts'
import { statusCell } from '../status-cell.ts'

const usualLimit = 50

/** `docket list`: executions, the newest first. */
export async function list(call: CliCall): Promise<ExitCode> {
  const filter = filterOf(call) ?? {}
  const { limit, all } = call.options as { readonly limit?: number; readonly all?: boolean }
  if (limit !== undefined && all === true) throw new CliError(exitCodes.usage, 'give --limit or --all')
  if (call.has('count')) return count(call, filter)
  return call.withDocket('look', async (docket) => {
    const { printer } = call
    const most = all === true ? Infinity : (limit ?? usualLimit)
    const found: ExecutionInfo[] = []
    let count = 0
    let isMore = false
    for await (const page of pagesOf(docket, filter, Math.min(200, most + 1))) {
      for (const info of page) {
        if (count >= most) {
          isMore = true
          break
        }
        count++
        if (printer.isJson) printer.line(jsonLine(rowOf(info)))
        else found.push(info)
      }
      if (isMore || call.streams.signal.aborted) break
    }
    if (!printer.isJson) for (const line of printer.table(head, found.map(cellsOf))) printer.line(line)
    if (isMore && !printer.isJson) printer.say(`there are more: --limit ${most * 10}, or --all`)
    const hint = count === 0 ? hintOfGraph(docket, filter.graph) : undefined
    if (hint !== undefined) printer.say(hint)
    return exitCodes.done
  })
}

/** How many there are in each status. */
async function count(call: CliCall, filter: ListQuery): Promise<ExitCode> {
  const { waitsFor, ...query } = filter
  if (waitsFor !== undefined)
    throw new CliError(
      exitCodes.usage,
      '--waits-for can’t be counted, since there is no index of it: docket list --waits-for … --all lists them',
    )
  return call.withDocket('look', async (docket) => {
    const counts = await docket.count(query)
    const rows = Object.entries(counts).map(([status, { count: many, isMore }]) => [
      statusCell(status),
      isMore ? `${many.toLocaleString('en')}+` : many.toLocaleString('en'),
    ])
    call.printer.result({ counts }, () => call.printer.table(['STATUS', 'COUNT'], rows).join('\n'))
    return exitCodes.done
  })
}

const head = ['ID', 'STATUS', 'GRAPH', 'TARGET', 'CREATED', 'ENDED', 'ERROR'] as const

function cellsOf(info: ExecutionInfo) {
  const error = jsonErrorOf(info.error)
  const problem = info.incompatible.length > 0 ? `can’t go on here: ${info.incompatible.join('; ')}` : undefined
  return [
    info.id,
    statusCell(info.status),
    info.graph,
    info.target,
    timeText(info.createdAt),
    info.endedAt === undefined ? '' : timeText(info.endedAt),
    error === null ? (problem ?? '') : `${error.code ?? error.name}: ${error.message}`,
  ] as const
}

/** To the second, in UTC. */
function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`
}
