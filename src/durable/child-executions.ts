import { DocketClosedError, ExecutionConflictError, LeaseLostError } from '../core/errors.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ChildParent, DurableChildren } from '../runtime/execution/execution-setup.ts'
import type { ChildRequest, RunningChild } from '../runtime/steps/step-work.ts'
import type { DocketContext } from './context/docket-context.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { digestOfChild, isDigestOfChild } from './records/child-digest.ts'
import { childRequest } from './start/execution-request.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/**
 * Children of this docket's executions: executions of their own, under ids that are made of their parents'. However often a parent dies there is one child,
 * which goes on meanwhile, and is joined again.
 */
export class ChildExecutions implements DurableChildren {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter
  readonly #remove: (id: string) => Promise<unknown>

  /** @param remove deletes an execution, which is cancelled and undone first */
  constructor(context: DocketContext, starter: ExecutionStarter, remove: (id: string) => Promise<unknown>) {
    this.#context = context
    this.#starter = starter
    this.#remove = remove
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
    const requestDigest = await this.#digestOf(parent)
    const request = childRequest(this.#context, { plan, leafValues }, { id: parent.id, requestDigest }, child)
    const known = await this.#context.recordOf(id)
    if (known !== undefined && known.requestDigest !== requestDigest) await this.#makeRoom(parent, known)
    // An end that an earlier process did not get to see is what this attempt comes to.
    else if (known !== undefined && isTerminal(known.status) && goesOn && setup.beginsAgain !== true) return handle
    await this.#starter.start(request)
    return handle
  }

  async #digestOf({ id, place }: ChildParent): Promise<string> {
    const record = await this.#context.recordOf(id)
    if (record !== undefined) return digestOfChild(record)
    throw new ExecutionConflictError(`execution "${id}" was deleted: it begins no further children`, place)
  }

  /** A child of an execution that was deleted or purged, and had the same id, is nobody's any more. */
  async #makeRoom({ id, place }: ChildParent, known: ExecutionRecord): Promise<void> {
    if (known.parent === id && isDigestOfChild(known.requestDigest)) await this.#remove(known.id)
    else
      throw new ExecutionConflictError(
        `execution "${known.id}" is there already, and is no child of execution "${id}", whose step needs that id; delete it, or start the parent under another id`,
        place,
      )
  }
}
