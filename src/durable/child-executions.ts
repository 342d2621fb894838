import { DocketClosedError, ExecutionConflictError, LeaseLostError, OptionError } from '../core/errors.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { GraphIndex } from '../core/graph/graph-index.ts'
import type { OutgoingMessage } from '../core/contracts/outbox.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ChildParent, DurableChildren } from '../runtime/execution/execution-setup.ts'
import type { ChildRequest, RunningChild } from '../runtime/steps/step-work.ts'
import { ChildJoin } from './child-join.ts'
import type { DocketContext } from './context/docket-context.ts'
import { cancelExecution } from './cancel-execution.ts'
import type { Owned } from './ownership/owned.ts'
import { digestOfChild, nameIn, nameInMessages } from './records/child-digest.ts'
import { openChildrenOf, orphanedBy } from './recovery/child-cascade.ts'
import { cancelAnywhere } from './recovery/unowned.ts'
import { passStart } from './start/begin-execution.ts'
import { changedLeaves } from './start/changed-leaves.ts'
import type { StartIntercepted } from '../core/contracts/interceptor.ts'
import { namedLeaves } from '../runtime/inputs/given-inputs.ts'
import type { GivenInputs } from '../runtime/inputs/given-inputs.ts'
import { childRequest } from './start/execution-request.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/** A child that a step of an execution here waits for, or has waited for. */
interface Joined {
  readonly owned: Owned
  readonly step: { readonly step: string; readonly item: string }
  readonly join: ChildJoin
}

/** A child that has not ended. */
type OpenChild = Pick<ExecutionRecord, 'id' | 'requestDigest'>

/** What is done to children by other parts of a docket. */
interface ChildVerbs {
  /** Deletes an execution, which is cancelled and undone first. */
  remove(id: string): Promise<unknown>
  /** Goes on with one that is undone, where no process does. */
  undo(id: string): Promise<void>
}

/**
 * Children of this docket's executions: executions of their own, under ids that are made of their parents'. However often a parent dies there is one child,
 * which goes on meanwhile, and is joined again.
 */
export class ChildExecutions implements DurableChildren {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter
  readonly #verbs: ChildVerbs
  /** By parent, then by the child's name in messages. */
  readonly #joined = new Map<string, Map<string, Joined>>()
  /** Those that are being cancelled. */
  readonly #ending = new Map<string, Promise<void>>()
  /** Looks for open children that are about to begin, by parent. */
  readonly #looks = new Map<string, Promise<readonly OpenChild[]>>()

  constructor(context: DocketContext, starter: ExecutionStarter, verbs: ChildVerbs) {
    this.#context = context
    this.#starter = starter
    this.#verbs = verbs
  }

  begin(parent: ChildParent, id: string, request: ChildRequest, item = ''): RunningChild {
    const join = new ChildJoin(this.#context, parent, id, request)
    this.#add(parent.id, id, { step: request.step, item }, join)
    let hasBegun = false
    // A child would go on beside what its parent is once that is detached: until it is known whether it will be, none begins.
    const start = (): Promise<ExecutionRecord | undefined> => {
      const life = this.#context.owned.get(parent.id)
      if (life?.detaching !== undefined) return life.detaching.then(() => (join.isOver ? undefined : start()))
      hasBegun = true
      const starting = this.#startOrFind(parent, id, request)
      life?.childBegins?.(starting)
      // Until it is there, its parent is not parked: nothing would wake it.
      parent.recorder?.endsAfter(starting)
      return starting
    }
    const begun = start()
    begun.then(
      (found) => void join.follow(found),
      (error: unknown) => join.fail(error),
    )
    const stop = (reason: unknown): void => {
      join.stop()
      if (!hasBegun) return
      // What goes on elsewhere finds its child there, or has ended without it.
      if (parent.released !== undefined || reason instanceof LeaseLostError || reason instanceof DocketClosedError) {
        if (reason instanceof LeaseLostError) void begun.then(() => this.#cancelOrphan(id)).catch(() => {})
        return
      }
      // One that could not begin, or be cancelled, has an end that says so.
      this.#unlessParked(parent, async () => {
        await begun
        await this.#cancel(parent, id, { step: request.step, item }, reason)
      })
    }
    return { stop, looked: begun.catch(() => {}) }
  }

  cancel(parent: ChildParent, id: string, step: string, reason: unknown, item = ''): void {
    this.#unlessParked(parent, () => this.#cancelIfOwn(parent, id, { step, item }, reason))
  }

  cancelBelow(parent: ChildParent, id: string, step: string, reason: unknown, item = ''): void {
    this.#unlessParked(parent, () => this.#cancelAllBelow(parent, id, { step, item }, reason))
  }

  cancelLeft(parent: ChildParent, leftOf: Parameters<DurableChildren['cancelLeft']>[1], reason: unknown): void {
    this.#unlessParked(parent, async () => {
      const life = this.#context.owned.get(parent.id)
      if (life === undefined) return
      const { createdAt } = life.commits
      const own = [true, false].map((mayOutlive) => digestOfChild({ id: parent.id, createdAt }, mayOutlive))
      const found = await this.#openOf(parent.id)
      const open = found.filter(({ requestDigest }) => own.includes(requestDigest)).map(({ id }) => id)
      if (open.length === 0) return
      const left = [...(await leftOf(open))]
      await Promise.all(left.map(([id, step]) => this.#cancel(parent, id, step, reason).catch(() => {})))
    })
  }

  /**
   * Cancels something of a parent, which ends after that. Where that is being parked, not before it is known to stay here: whoever woke it by the end of its
   * child, before its own end could be written, would take that for a failure. One that is parked is ended where it is then, with its children.
   */
  #unlessParked({ id, recorder }: ChildParent, cancel: () => Promise<void>): void {
    const parking = this.#context.owned.get(id)?.commits.parking
    const cancelled = parking === undefined ? cancel() : parking.then((isParked) => (isParked ? undefined : cancel()))
    recorder?.endsAfter(cancelled.catch(() => {}))
  }

  async #cancelAllBelow(parent: ChildParent, id: string, step: Joined['step'], reason: unknown): Promise<void> {
    const life = this.#context.owned.get(parent.id)
    if (life === undefined) return
    const own = digestOfChild({ id: parent.id, createdAt: life.commits.createdAt }, true)
    const open = await this.#openOf(parent.id)
    const below = open.filter((child) => child.requestDigest === own && child.id.startsWith(`${id}/`))
    await Promise.all(below.map((child) => this.#cancel(parent, child.id, step, reason).catch(() => {})))
  }

  /** What several look for in one turn, as the items of a batch do that goes on here, is read once. */
  #openOf(parent: string): Promise<readonly OpenChild[]> {
    let look = this.#looks.get(parent)
    if (look === undefined) {
      look = Promise.resolve().then(async () => {
        this.#looks.delete(parent)
        const found: OpenChild[] = []
        for await (const { id, requestDigest } of openChildrenOf(this.#context, parent))
          found.push({ id, requestDigest })
        return found
      })
      this.#looks.set(parent, look)
    }
    return look
  }

  /** There may be none, and what has its id may be somebody else's. */
  async #cancelIfOwn(parent: ChildParent, id: string, step: Joined['step'], reason: unknown): Promise<void> {
    const record = await this.#context.recordOf(id)
    if (record !== undefined && record.parent === parent.id && !isTerminal(record.status))
      await this.#cancel(parent, id, step, reason)
  }

  /** Resolves once it has ended, and what it did is undone. Several may find it at once. */
  #cancel(parent: ChildParent, id: string, step: Joined['step'], reason: unknown): Promise<void> {
    let ending = this.#ending.get(id)
    if (ending === undefined) {
      ending = this.#cancelNow(parent, id, step, reason).finally(() => this.#ending.delete(id))
      this.#ending.set(id, ending)
    }
    return ending
  }

  /** The same: undone by this process, where no other one runs it. */
  async #cancelNow(parent: ChildParent, id: string, step: Joined['step'], reason: unknown): Promise<void> {
    await parent.recorder?.noteFailing()
    await cancelExecution(this.#context, id, reason, 'parent')
    const record = await this.#context.recordOf(id)
    const owned = this.#context.owned.get(parent.id)
    if (record?.status !== 'compensating' || owned === undefined) return
    await new Promise<void>((resolve) => {
      // Whoever undoes it may die: it would wait for a slot then, which its parent may have, and for its place in the limit of a queue.
      const onOpen = async (): Promise<void> => {
        await this.#verbs.undo(id)
        if (this.#context.owned.get(id)?.hasDeparted === false) join.wake()
      }
      const end = { onCompleted: () => resolve(), onFailed: () => resolve(), onOpen }
      const join = new ChildJoin(this.#context, parent, id, end)
      this.#add(parent.id, id, step, join)
      // Whoever goes on with the parent waits for it there.
      void owned.gone.then(() => {
        join.stop()
        resolve()
      })
      void join.follow(undefined)
    })
  }

  /** Its parent is lost here: it may have failed, or have been cancelled, elsewhere, before anybody could know of this child. */
  async #cancelOrphan(id: string): Promise<void> {
    const record = await this.#context.recordOf(id)
    const error = record === undefined ? undefined : await orphanedBy(this.#context, record)
    if (error !== undefined) await cancelAnywhere(this.#context, id, error)
  }

  /** A message says that a child of an execution has ended. */
  ended(parent: string, message: string): void {
    this.#joined.get(parent)?.get(nameIn(message))?.join.wake()
  }

  /** Whether the parent lives here, and has on record what its child came to: then it needs no message of that. */
  hasOnRecord({ execution, id }: OutgoingMessage): boolean {
    const joined = this.#joined.get(execution)?.get(nameIn(id))
    if (joined === undefined || this.#context.owned.get(execution) !== joined.owned) return false
    // What is being parked has it in memory alone: where it is, nobody would wake it.
    return joined.join.isOver && !joined.owned.isBeingParked && !joined.owned.commits.isOpen(joined.step)
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
        // A child that a function has left to itself is followed until here.
        for (const { join } of added.values()) join.stop()
      })
    }
    children.set(nameInMessages(id), { owned, step, join })
  }

  /** Gives the record of one that was there, where it is all that there is to know. */
  async #startOrFind(
    parent: ChildParent,
    id: string,
    { plan, leafValues, goesOn, mayOutlive, step, queue, onWorkerLoss, sources }: ChildRequest,
  ): Promise<ExecutionRecord | undefined> {
    const { options, setup } = parent
    this.#requireListed(plan.index)
    const { headers, logger, observers } = options
    const child = { id, headers, logger, observers, queue }
    const life = this.#context.owned.get(parent.id)
    if (life === undefined)
      throw new LeaseLostError(`execution "${parent.id}" is not this process's any more`, { executionId: parent.id })
    const requestDigest = digestOfChild({ id: parent.id, createdAt: life.commits.createdAt }, mayOutlive)
    const { place } = life.commits
    const marks = { onWorkerLoss, sources }
    const parentage = { id: parent.id, requestDigest, deadline: options.deadline ?? life.deadline, place, marks }
    const { startedAt = -Infinity } = life.commits.right
    // A parent that was retried where nobody runs it is begun by whoever takes it: what its child failed with before is not what it comes to.
    const isOfFormerLife = ({ status, endedAt = Infinity }: ExecutionRecord): boolean =>
      setup.beginsAgain === true || (status !== 'completed' && endedAt < startedAt)
    const begin = async (
      given: GivenInputs,
      changed: Readonly<Record<string, string>>,
      reopens = true,
    ): Promise<void> =>
      this.#starter.start(childRequest(this.#context, given, parentage, { ...child, headers: changed }, reopens))
    const beginAnew = (): Promise<void> => this.#passStart(parent, id, step, { plan, leafValues }, begin)
    // In the first life of its parent nobody can have begun it before.
    if (life.epoch === 1 && goesOn)
      try {
        await beginAnew()
        return undefined
      } catch (error) {
        if (!(error instanceof ExecutionConflictError)) throw error
      }
    const known = await this.#context.recordOf(id)
    if (known !== undefined && known.requestDigest !== requestDigest) await this.#makeRoom(parent, known)
    // An end that an earlier process did not get to see is what this attempt comes to.
    else if (known !== undefined && isTerminal(known.status) && goesOn && !isOfFormerLife(known)) return known
    // One that is there, and has not ended, was seen by the interceptors when it began.
    const isJoined = known !== undefined && known.requestDigest === requestDigest && !isTerminal(known.status)
    // What it comes to meanwhile is what this attempt comes to.
    await (isJoined ? begin({ plan, leafValues }, headers, false) : beginAnew())
    return undefined
  }

  async #passStart(
    { id, place, options }: ChildParent,
    executionId: string,
    step: string,
    given: GivenInputs,
    begin: (given: GivenInputs, headers: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<void> {
    if (this.#context.interceptors.start === undefined) return begin(given, options.headers)
    const { index, target } = given.plan
    const call: StartIntercepted = {
      by: 'parent',
      kind: 'execution',
      executionId,
      graph: index.graph.name,
      target: target.name,
      inputs: Object.freeze({ ...namedLeaves(given) }),
      items: undefined,
      overrides: undefined,
      headers: options.headers,
      parent: { executionId: id, step, item: place.item },
      isInTransaction: false,
    }
    await passStart(this.#context, call, async ({ inputs, headers }) => {
      const about = { graph: call.graph, executionId }
      const isSame = inputs === undefined || inputs === call.inputs
      await begin(isSame ? given : await changedLeaves(given, inputs, about), headers)
    })
  }

  /** After a crash nobody could go on with it. @throws OptionError */
  #requireListed({ graph: { name: graph }, drawing }: GraphIndex): void {
    // Its record has the drawing, for whoever has the steps.
    if (drawing !== undefined) return
    if (this.#context.graphOf(graph) !== undefined || this.#context.options.unknownGraph !== undefined) return
    throw new OptionError(
      `graph "${graph}" is not known to this docket, and so nobody could go on with an execution of it: list it in createDocket({ graphs })`,
    )
  }

  /** A child of an execution that was deleted or purged, and had the same id, is nobody's any more. */
  async #makeRoom({ id, place }: ChildParent, known: ExecutionRecord): Promise<void> {
    if (known.parent === id) await this.#verbs.remove(known.id)
    else
      throw new ExecutionConflictError(
        `execution "${known.id}" is there already, and is no child of execution "${id}", whose step needs that id; delete it, or start the parent under another id`,
        place,
      )
  }
}
