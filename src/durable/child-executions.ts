import { DocketClosedError, ExecutionConflictError, LeaseLostError } from '../core/errors.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { OutgoingMessage } from '../core/contracts/outbox.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ChildParent, DurableChildren } from '../runtime/execution/execution-setup.ts'
import type { ChildRequest, RunningChild } from '../runtime/steps/step-work.ts'
import { ChildJoin } from './child-join.ts'
import type { DocketContext } from './context/docket-context.ts'
import { ExecutionHandle } from './execution-handle.ts'
import type { Owned } from './ownership/owned.ts'
import { digestOfChild, isDigestOfChild, nameIn, nameInMessages } from './records/child-digest.ts'
import { childRequest } from './start/execution-request.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/** A child that a step of an execution here waits for, or has waited for. */
interface Joined {
  readonly owned: Owned
  readonly step: { readonly step: string; readonly item: string }
  readonly join: ChildJoin
}

/**
 * Children of this docket's executions: executions of their own, under ids that are made of their parents'. However often a parent dies there is one child,
 * which goes on meanwhile, and is joined again.
 */
export class ChildExecutions implements DurableChildren {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter
  readonly #remove: (id: string) => Promise<unknown>
  /** By parent, then by the child's name in messages. */
  readonly #joined = new Map<string, Map<string, Joined>>()

  /** @param remove deletes an execution, which is cancelled and undone first */
  constructor(context: DocketContext, starter: ExecutionStarter, remove: (id: string) => Promise<unknown>) {
    this.#context = context
    this.#starter = starter
    this.#remove = remove
  }

  begin(parent: ChildParent, id: string, request: ChildRequest, item = ''): RunningChild {
    const join = new ChildJoin(this.#context, parent, id, request)
    this.#add(parent.id, id, { step: request.step, item }, join)
    const begun = this.#startOrFind(parent, id, request)
    // Until it is there, its parent is not parked: nothing would wake it.
    parent.recorder?.endsAfter(begun)
    begun.then(
      (found) => void join.follow(found),
      (error: unknown) => join.fail(error),
    )
    const stop = (reason: unknown): void => {
      join.stop()
      // What goes on elsewhere finds its child there.
      if (parent.released !== undefined || reason instanceof LeaseLostError || reason instanceof DocketClosedError)
        return
      const cancelled = begun.then(() => new ExecutionHandle(this.#context, id).cancel(reason))
      // One that could not begin, or be cancelled, has an end that says so.
      cancelled.catch(() => {})
      parent.recorder?.endsAfter(cancelled)
    }
    return { stop, looked: begun.catch(() => {}) }
  }

  cancel(parent: ChildParent, id: string, reason: unknown): void {
    // There may be none, or it may have ended.
    const cancelled = new ExecutionHandle(this.#context, id).cancel(reason).catch(() => {})
    parent.recorder?.endsAfter(cancelled)
  }

  /** A message says that a child of an execution has ended. */
  ended(parent: string, message: string): void {
    this.#joined.get(parent)?.get(nameIn(message))?.join.wake()
  }

  /** Whether the parent lives here, and has on record what its child came to: then it needs no message of that. */
  hasOnRecord({ execution, id }: OutgoingMessage): boolean {
    const joined = this.#joined.get(execution)?.get(nameIn(id))
    if (joined === undefined || this.#context.owned.get(execution) !== joined.owned) return false
    return joined.join.isOver && !joined.owned.commits.isOpen(joined.step)
  }

  #add(parent: string, id: string, step: Joined['step'], join: ChildJoin): void {
    const owned = this.#context.owned.get(parent)
    if (owned === undefined) return
    let children = this.#joined.get(parent)
    const [first] = children?.values() ?? []
    if (children === undefined || first?.owned !== owned) {
      this.#joined.set(parent, (children = new Map()))
      const added = children
      void owned.gone.then(() => {
        if (this.#joined.get(parent) === added) this.#joined.delete(parent)
      })
    }
    children.set(nameInMessages(id), { owned, step, join })
  }

  /** Gives the record of one that was there, where it is all that there is to know. */
  async #startOrFind(
    parent: ChildParent,
    id: string,
    { plan, leafValues, goesOn }: ChildRequest,
  ): Promise<ExecutionRecord | undefined> {
    const { options, setup } = parent
    const { headers, logger, observers } = options
    const child = { id, headers, logger, observers }
    const life = this.#context.owned.get(parent.id)
    if (life === undefined)
      throw new LeaseLostError(`execution "${parent.id}" is not this process's any more`, { executionId: parent.id })
    const requestDigest = digestOfChild({ id: parent.id, createdAt: life.createdAt })
    const request = childRequest(this.#context, { plan, leafValues }, { id: parent.id, requestDigest }, child)
    // In the first life of its parent nobody can have begun it before.
    if (life.epoch === 1 && goesOn)
      try {
        await this.#starter.start(request)
        return undefined
      } catch (error) {
        if (!(error instanceof ExecutionConflictError)) throw error
      }
    const known = await this.#context.recordOf(id)
    if (known !== undefined && known.requestDigest !== requestDigest) await this.#makeRoom(parent, known)
    // An end that an earlier process did not get to see is what this attempt comes to.
    else if (known !== undefined && isTerminal(known.status) && goesOn && setup.beginsAgain !== true) return known
    await this.#starter.start(request)
    return undefined
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
