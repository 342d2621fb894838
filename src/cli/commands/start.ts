import type { Docket, ExecutionHandle } from '../../index.ts'
import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { plain } from '../plain-text.ts'
import { readInputs } from '../read-inputs.ts'
import { requireGraph, requireTarget } from '../require-graph.ts'
import { onRecord } from '../record-act.ts'
import { sayUnlessServed } from '../unserved-queues.ts'

interface StartCallOptions {
  readonly input?: readonly string[]
  readonly override?: readonly string[]
  readonly id?: string
  readonly queue?: string
  readonly key?: string
  readonly priority?: number
  readonly deadline?: Date | number
  readonly timeoutOf?: number
}

/** `docket start`: begins an execution for whatever process serves its queue. */
export async function start(call: CliCall): Promise<ExitCode> {
  return call.withDocket('act', async (docket) => {
    const handle = await startByArguments(call, docket)
    const { id, outcome = null } = handle
    call.printer.result({ id, outcome }, () => plain(id, 2_000))
    await sayUnlessServed(call, docket, handle)
    return exitCodes.done
  })
}

/** Starts what the arguments name. @throws CliError for names that nobody knows, and what `docket.startByName` throws */
export async function startByArguments(
  call: CliCall,
  docket: Docket,
  more: object = {},
): Promise<ExecutionHandle<unknown>> {
  const [graph = '', target = ''] = call.args
  const { input = [], override, id, queue, key, priority, deadline, timeoutOf } = call.options as StartCallOptions
  // What is not listed may be given for its name, and be wrong only then.
  if (docket.options.unknownGraph === undefined) requireTarget(requireGraph(docket, graph), target)
  const inputs = await readInputs(call.streams, input)
  const overrides = override === undefined ? undefined : await readInputs(call.streams, override)
  const given = {
    ...(id !== undefined && { id }),
    ...(queue !== undefined && { queue }),
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority }),
    ...(timeoutOf !== undefined && { timeout: timeoutOf }),
    ...(deadline !== undefined && {
      deadline: typeof deadline === 'number' ? new Date(Date.now() + deadline) : deadline,
    }),
    ...(overrides !== undefined && { overrides }),
    ...more,
  }
  const act = { act: call.command, execution: id, note: `${graph} ${target}` }
  return onRecord(docket, act, () => docket.startByName(graph, target, inputs, given))
}
