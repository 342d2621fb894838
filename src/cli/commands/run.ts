import type { Docket, ExecutionEvent, ExecutionHandle } from '../../index.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { describeThrown, readOf } from '../../core/thrown.ts'
import { progressObserver } from '../../observers/progress.ts'
import { graphNamed } from '../cli-call.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodeOf, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { errorLines } from '../details-text.ts'
import { hidden } from '../execution-json.ts'
import { jsonErrorOf, jsonValueOf } from '../json-value.ts'
import { plain, plainLines } from '../plain-text.ts'
import { stepProgress } from '../step-progress.ts'
import { startByArguments } from './start.ts'
import { unlessAborted } from '../until-aborted.ts'

/** `docket run`: runs an execution in this process, with progress on stderr and its value on stdout. */
export async function run(call: CliCall): Promise<ExitCode> {
  const { signal: interruption, whileRead } = call.streams
  const signal = AbortSignal.any(whileRead === undefined ? [interruption] : [interruption, whileRead()])
  const queue = call.text('queue')
  const docket = await call.openDocket('run', queue === undefined ? {} : { work: { default: 100, [queue]: 100 } })
  let deadline: number | undefined
  try {
    await call.requireStore(docket)
    const observers = call.has('quiet') ? [] : [progressOf(call)]
    const handle = await startByArguments(call, docket, { observers })
    const outcome = await unlessAborted(outcomeOf(handle), signal)
    if (outcome !== undefined) return report(call, docket, handle, outcome)
    deadline = 0
    call.printer.say(
      `${interruption.aborted ? 'interrupted' : 'nobody reads of it any more'}: ${plain(handle.id)} has not ended; whatever process serves its queue goes on with it (docket cancel ends it)`,
    )
    return exitCodes.interrupted
  } finally {
    await docket.close(deadline === undefined ? {} : { deadline })
  }
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

function outcomeOf(handle: ExecutionHandle<unknown>): Promise<Outcome> {
  return handle.result().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}

function report(call: CliCall, docket: Docket, { id }: ExecutionHandle<unknown>, outcome: Outcome): ExitCode {
  const { printer, args } = call
  if ('value' in outcome) {
    const [graphName = '', target = ''] = args
    const output = isSensitiveTarget(docket, graphName, target) ? hidden : jsonValueOf(outcome.value)
    printer.result({ id, status: 'completed', output, error: null }, () =>
      typeof output === 'string' ? plainLines(output) : plainLines(JSON.stringify(output, null, 2)),
    )
    return exitCodes.done
  }
  const { error } = outcome
  const code = readOf(error, 'code')
  // It is not the execution that failed.
  if (code === 'STORE_FAILED' || code === 'LEASE_LOST' || code === 'DOCKET_CLOSED')
    throw new CliError(exitCodeOf(error), describeThrown(error), { cause: error })
  const status = code === 'EXECUTION_CANCELLED' || code === 'EXECUTION_EXPIRED' ? 'cancelled' : 'failed'
  const json = jsonErrorOf(error)
  if (printer.isJson) printer.result({ id, status, output: null, error: json }, () => '')
  else
    printer.say(
      [
        `${plain(id)} ${status === 'failed' ? 'failed' : 'was cancelled'}`,
        ...(json === null ? [] : errorLines(json)),
      ].join('\n'),
    )
  return exitCodes.failed
}

/** Whether nobody is shown what was made: its type may be called by a former name. */
function isSensitiveTarget(docket: Docket, graphName: string, target: string): boolean {
  const graph = graphNamed(docket, graphName)
  const index = graph && indexOf(graph)
  const type = index?.types.get(target) ?? index?.types.get(index.former?.types.get(target) ?? '')
  return type === undefined || isSensitiveType(type)
}

/** Lines for steps, and a bar for batches. */
function progressOf(call: CliCall): (event: ExecutionEvent) => void {
  const bar = progressObserver({ stream: call.streams.stderr as { write(text: string): unknown } })
  const steps = stepProgress(call.printer)
  return (event) => {
    bar(event)
    steps(event)
  }
}
