import { DocketClosedError, LeaseLostError } from '../core/errors.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ChildParent, DurableChildren } from '../runtime/execution/execution-setup.ts'
import type { ChildRequest, RunningChild } from '../runtime/steps/step-work.ts'
import type { DocketContext } from './context/docket-context.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { childRequest } from './start/execution-request.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/**
 * Children of this docket's executions: executions of their own, under ids that are made of their parents'. However often a parent dies there is one child,
 * which goes on meanwhile, and is joined again.
 */
export class ChildExecutions implements DurableChildren {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter

  constructor(context: DocketContext, starter: ExecutionStarter) {
    this.#context = context
    this.#starter = starter
  }

  begin(parent: ChildParent, id: string, request: ChildRequest): RunningChild {
    const begun = this.#startOrFind(parent, id, request)
    const ended = begun.then((handle) => handle.result())
    ended.then(request.onCompleted, request.onFailed)
    const stop = (reason: unknown): void => {
      // What goes on elsewhere finds its child there.
      if (parent.released !== undefined || reason instanceof LeaseLostError || reason instanceof DocketClosedError)
        return
      const cancelled = begun.then((handle) => handle.cancel(reason))
      // One that could not begin, or be cancelled, has an end that says so.
      cancelled.catch(() => {})
      parent.recorder?.endsAfter(cancelled)
    }
    return { stop }
  }

  cancel(parent: ChildParent, id: string, reason: unknown): void {
    // There may be none, or it may have ended.
    const cancelled = new ExecutionHandle(this.#context, id).cancel(reason).catch(() => {})
    parent.recorder?.endsAfter(cancelled)
  }

  async #startOrFind(
    parent: ChildParent,
    id: string,
    { plan, leafValues, goesOn }: ChildRequest,
  ): Promise<ExecutionHandle<unknown>> {
    const { options, setup } = parent
    const handle = new ExecutionHandle<unknown>(this.#context, id, {
      graph: plan.index.graph.name,
      target: plan.target.name,
    })
    const { headers, logger, observers } = options
    const child = { id, headers, logger, observers }
    const request = childRequest(this.#context, { plan, leafValues }, parent.id, child)
    // An end that an earlier process did not get to see is what this attempt comes to.
    if (goesOn && setup.beginsAgain !== true) {
      const known = await this.#context.recordOf(id)
      if (known !== undefined && isTerminal(known.status)) return handle
    }
    await this.#starter.start(request)
    return handle
  }
}
