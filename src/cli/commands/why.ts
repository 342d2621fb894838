import type { Why } from '../../index.ts'
import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { requireExecution } from '../find-execution.ts'
import { jsonValueOf } from '../json-value.ts'
import { plain } from '../plain-text.ts'

/** `docket why`: why an execution, or one of its steps, is where it is. */
export async function why(call: CliCall): Promise<ExitCode> {
  const [id = '', step] = call.args
  const itemKey = call.text('item')
  return call.withDocket('look', async (docket) => {
    await requireExecution(docket, id)
    const reason = await docket.why(id, step, {
      live: call.has('live'),
      ...(itemKey !== undefined && { item: itemKey }),
    })
    call.printer.result(jsonValueOf(reason), () => whyLines(reason, 0).join('\n'))
    return exitCodes.done
  })
}

/** The reason, and below it what it comes from. */
function whyLines({ text, code, because = [], path }: Why, depth: number): readonly string[] {
  const way = path === undefined || path.length < 2 ? '' : ` (by ${path.map((step) => plain(step)).join(' → ')})`
  const line = `${'  '.repeat(depth)}${plain(text, 2_000)}${way}`
  return [depth === 0 ? `${line}\n[${code}]` : line, ...because.flatMap((one) => whyLines(one, depth + 1))]
}
