import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { checkExecuteOptions } from '../runtime/execution/execution-options.ts'
import { withDrawnArgs } from '../runtime/inputs/drawn-args.ts'
import { givenInputs } from '../runtime/inputs/given-inputs.ts'
import type { GivenInputs } from '../runtime/inputs/given-inputs.ts'
import { startOptionNames } from './context/call-options.ts'
import type { DocketContext } from './context/docket-context.ts'
import { leftBySignal } from './context/ended-by-signal.ts'
import type { OverridingOptions, StartOptions } from './context/start-options.ts'
import type { DocketParts } from './docket-parts.ts'
import { handleOf } from './handle-of.ts'
import { problemsOfStart } from './context/start-problems.ts'
import { beginExecution } from './start/begin-execution.ts'

/** Starts an execution and waits for its value; what nobody could find again is not written down. @throws (as rejection) as `Docket.execute` does */
export function executeDurably(
  context: DocketContext,
  { ephemeral, starter }: Pick<DocketParts, 'ephemeral' | 'starter'>,
  graph: AnyGraph,
  target: AnyDataType,
  inputs: unknown,
  options: OverridingOptions | undefined,
): Promise<unknown> {
  // What is thrown inside rejects the promise.
  return new Promise((resolve, reject) => {
    context.requireOpen()
    if (options !== undefined) checkExecuteOptions('execute', options, startOptionNames, problemsOfStart(options))
    const isKept = options?.id !== undefined || options?.onBusy !== undefined || options?.dedupe !== undefined
    if (!isKept && context.interceptors.start === undefined) {
      const own = context.requireGraph(graph)
      const given = givenInputs(own, target, withDrawnArgs(graph, target, inputs), options?.overrides)
      if (ephemeral.has(given.plan, options)) {
        ephemeral.run(given, inputs, options, resolve, reject)
        return
      }
    }
    let isUnwritten = false
    const runUnwritten = (given: GivenInputs, input: unknown, changed: StartOptions): boolean => {
      isUnwritten = !isKept && ephemeral.has(given.plan, options)
      if (isUnwritten) ephemeral.run(given, input, changed, resolve, reject)
      return isUnwritten
    }
    beginExecution(context, starter, { graph, target, inputs, options: options ?? {}, runUnwritten })
      .then(async (begun) => {
        if (isUnwritten) return
        const { id } = begun
        // The caller's own limits end its wait; what the steps did is undone without it.
        context.owned.get(id)?.callerLeft?.catch(reject)
        const handle = handleOf(context, begun, graph, target, options)
        resolve(await leftBySignal(context, id, options?.signal, () => handle.result()))
      })
      .catch(reject)
  })
}
