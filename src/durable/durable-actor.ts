import type { AnyActorRef, EventObject } from 'xstate'
import { DocketClosedError, ExecutionCancelledError } from '../core/errors.ts'
import type { ExecutionActor, LogicScope, LogicSnapshot } from '../runtime/actors/execution-actor.ts'
import { SystemWatcher } from '../runtime/actors/system-watcher.ts'
import { warnOnce } from '../runtime/environment/warn-once.ts'
import type { ExecutionStatus } from '../runtime/execution/execution-view.ts'
import type { DocketContext } from './context/docket-context.ts'
import { ExecutionHandle } from './execution-handle.ts'
import type { Owned } from './ownership/owned.ts'
import { requireSame } from './start/execution-request.ts'
import type { StartRequest } from './start/execution-request.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/** Lets the execution begin: `write` makes it exist. */
type BeginOf = (starter: ExecutionStarter, write: (request: StartRequest) => Promise<void>) => Promise<unknown>

/** Brings the actor's last snapshot. */
interface Ended extends EventObject {
  readonly type: '@docket.ended'
  readonly snapshot: LogicSnapshot
}

/**
 * What stands behind an actor of `docket.logic`: it begins the execution, shows it with its steps whenever it runs in this process, and
 * ends the actor as the execution ends, wherever that is.
 */
export class DurableActor {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter
  readonly #scope: LogicScope
  readonly #id: string
  readonly #systemWatcher: SystemWatcher
  /** The execution as it runs here, while it does. */
  #mirror: ExecutionActor | undefined
  #isWritten = false
  #isStopped = false
  /** It was stopped, and stands for something that goes on. */
  #isLeft = false

  constructor(context: DocketContext, starter: ExecutionStarter, scope: LogicScope, id: string) {
    this.#context = context
    this.#starter = starter
    this.#scope = scope
    this.#id = id
    this.#systemWatcher = SystemWatcher.of(this.#self)
  }

  /** Begins the execution, or finds it; what is wrong with it becomes the actor's error. */
  start(begin: BeginOf): void {
    this.#enterSystem()
    this.#follow(begin).then(
      (output) => this.#end('completed', output, undefined),
      (error: unknown) => this.#end(this.#endStatusOf(error), undefined, error),
    )
  }

  /** The snapshot that an event brings; undefined for an event that is not for this actor. */
  take(event: EventObject): LogicSnapshot | undefined {
    return event.type === '@docket.ended' ? (event as Ended).snapshot : this.#mirror?.take(event)
  }

  /** The actor was stopped. What was refused, or has ended, stands for nothing that could be cancelled. */
  stop(isActive: boolean): void {
    this.#isStopped = true
    this.#isLeft = !isActive
    if (this.#isWritten && isActive) this.#cancel()
    this.#leave()
    this.#systemWatcher.delete(this.#id, this.#self)
  }

  get #self(): AnyActorRef {
    return this.#scope.self
  }

  async #follow(begin: BeginOf): Promise<unknown> {
    let request: StartRequest | undefined
    const show = (owned: Owned): void => this.#show(owned, request)
    // Whenever it comes here: begun, or taken over from a process that died.
    const unlisten = this.#context.onEnter(this.#id, show)
    try {
      await begin(this.#starter, async (made) => {
        request = made
        await this.#starter.start(made)
        this.#isWritten = true
        // At once: nothing more of it is to begin.
        if (this.#isStopped && !this.#isLeft) this.#cancel()
      })
      const owned = this.#context.owned.get(this.#id)
      if (owned !== undefined && this.#mirror === undefined) show(owned)
      return await new ExecutionHandle(this.#context, this.#id).result()
    } finally {
      unlisten()
    }
  }

  #show(owned: Owned, request: StartRequest | undefined): void {
    if (this.#isStopped || request === undefined || !isSame(request, owned)) return
    const mirror = owned.mirrorIn?.(this.#scope)
    if (mirror === undefined) return
    this.#leave()
    this.#mirror = mirror
    // Of one that has ended only the outcome is missing.
    if (!owned.hasEnded) mirror.show({ type: '@docket.mirrored' })
    void owned.departure.then(({ type }) => {
      if (type !== 'moved' || this.#mirror !== mirror) return
      this.#leave()
      if (!this.#isStopped) this.#enterSystem()
    })
  }

  #enterSystem(): void {
    this.#systemWatcher.add({ id: this.#id, self: this.#self, actors: undefined })
  }

  #leave(): void {
    this.#mirror?.leave()
    this.#mirror = undefined
  }

  #cancel(): void {
    new ExecutionHandle(this.#context, this.#id).cancel().catch(() => {})
  }

  /** An execution whose docket was closed has not failed: it goes on elsewhere. */
  #endStatusOf(error: unknown): ExecutionStatus {
    if (error instanceof DocketClosedError && this.#isWritten) return 'released'
    return error instanceof ExecutionCancelledError ? 'cancelled' : 'failed'
  }

  #end(value: ExecutionStatus, output: unknown, error: unknown): void {
    // What ended here has shown its steps up to the end.
    const last = this.#mirror?.snapshot() ?? (this.#self.getSnapshot() as LogicSnapshot)
    this.#leave()
    this.#systemWatcher.delete(this.#id, this.#self)
    if (this.#isStopped) return
    const snapshot = last.endedAs(value, output, error) as LogicSnapshot
    try {
      this.#self.send({ type: '@docket.ended', snapshot } satisfies Ended)
    } catch (thrown) {
      // An inspector that throws must not end the process.
      warnOnce(this.#systemWatcher, 'an XState inspector', thrown)
    }
  }
}

function isSame(request: StartRequest, owned: Owned): boolean {
  try {
    requireSame(request, owned)
    return true
  } catch {
    return false
  }
}
