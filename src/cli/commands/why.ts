import type { Why } from '../../index.ts'
import { alikeReasons } from '../../core/alike-reasons.ts'
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
    if (reason.item !== undefined && itemKey === undefined)
      call.printer.say(`this is of item ${plain(reason.item)} of a batch; --item <key> says it of another one`)
    call.printer.result(jsonValueOf(reason), () => whyLines(reason).join('\n'))
    return exitCodes.done
  })
}

/** The reason, and below it what it comes from: what several steps come to alike stands there once. */
function whyLines({ code, text, because = [] }: Why): readonly string[] {
  return [plain(text, 2_000), `[${code}]`, ...linesBelow(because, 1)]
}

function linesBelow(because: readonly Why[], depth: number): readonly string[] {
  return alikeReasons(because).flatMap(({ text, of: [first, ...others] }) => {
    const { path = [], because: inner = [] } = first
    const way = path.length < 2 || others.length > 0 ? '' : ` (by ${path.map((step) => plain(step)).join(' → ')})`
    const unsaid = inner.filter((one) => !text.includes(one.text))
    return [`${'  '.repeat(depth)}${plain(text, 2_000)}${way}`, ...linesBelow(unsaid, depth + 1)]
  })
}
