import { Actor } from 'xstate'
import type { AnyActorRef } from 'xstate'
import type { StepActors } from './step-actors.ts'

type AnyActorSystem = AnyActorRef['system']

/** An execution as the lookout sees it. */
export interface WatchedExecution {
  readonly id: string
  readonly self: AnyActorRef
  readonly actors: StepActors
}

/**
 * Notices when somebody looks at an actor system's executions: by inspecting it, or by asking it for an actor by id. Until
 * then the steps of an execution need no actors. It decorates the system's own public methods, once per system.
 */
export class SystemLookout {
  readonly #executions = new Map<string, WatchedExecution>()
  #inspectors: number

  private constructor(system: AnyActorSystem, isInspected: boolean) {
    this.#inspectors = isInspected ? 1 : 0
    const { get, getAll, inspect } = system
    system.get = (key) => get(key) ?? this.#find(String(key))
    system.getAll = () => ({ ...getAll(), ...this.#all() })
    system.inspect = (observer) => {
      const next = typeof observer === 'function' ? observer : observer.next?.bind(observer)
      for (const { self, actors } of this.#executions.values()) {
        // XState itself tells late-comers nothing of the actors that are there: they could not draw what they see of them.
        const rootId = rootOf(self).sessionId
        for (const actorRef of [self, ...actors.living]) next?.({ type: '@xstate.actor', actorRef, rootId })
      }
      const subscription = inspect(observer)
      this.#inspectors++
      for (const { actors } of this.#executions.values()) actors.wake()
      let isOn = true
      return {
        unsubscribe: () => {
          subscription.unsubscribe()
          if (isOn) this.#inspectors--
          isOn = false
        },
      }
    }
  }

  static of(self: AnyActorRef): SystemLookout {
    const system: WatchedSystem = self.system
    return (system[lookoutKey] ??= new SystemLookout(system, mayBeInspected(self)))
  }

  get isInspected(): boolean {
    return this.#inspectors > 0
  }

  add(execution: WatchedExecution): void {
    this.#executions.set(execution.id, execution)
  }

  delete(id: string, self: AnyActorRef): void {
    if (this.#executions.get(id)?.self === self) this.#executions.delete(id)
  }

  #find(key: string): AnyActorRef | undefined {
    const whole = this.#executions.get(key)
    if (whole !== undefined) return whole.self
    for (const { id, actors } of this.#executions.values()) {
      const found = key.startsWith(`${id}/`) ? actors.get(key.slice(id.length + 1)) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  #all(): Record<string, AnyActorRef> {
    const all: Record<string, AnyActorRef> = {}
    for (const { id, self, actors } of this.#executions.values()) {
      all[id] = self
      for (const [name, ref] of Object.entries(actors.children)) all[`${id}/${name}`] = ref
    }
    return all
  }
}

// On the system itself: a WeakMap of short-lived systems costs the garbage collector more than a whole execution.
const lookoutKey = Symbol('docket.lookout')

type WatchedSystem = AnyActorSystem & { [lookoutKey]?: SystemLookout }

function rootOf(self: AnyActorRef): AnyActorRef {
  let root = self
  while (root._parent !== undefined) root = root._parent
  return root
}

/**
 * Whether somebody may inspect the system already. A root says so in its options; inside somebody else's machine,
 * `system.inspect` may have been called before the execution came.
 */
function mayBeInspected(self: AnyActorRef): boolean {
  if (!(self instanceof Actor)) return true
  return self.options.parent === undefined ? self.options.inspect !== undefined : readsInspectionEvents(self.system)
}

/**
 * XState reads an inspection event only if it has somebody to give it to. This one can't be read, so nobody gets it.
 * (`_sendInspectionEvent` is XState's own; without it the answer is yes, which costs time but hides nothing.)
 */
function readsInspectionEvents(system: AnyActorSystem): boolean {
  try {
    const { _sendInspectionEvent: send } = system as unknown as {
      readonly _sendInspectionEvent: (event: object) => void
    }
    send(unreadable)
    return false
  } catch {
    return true
  }
}

const unreadable = Object.defineProperty({}, 'type', {
  enumerable: true,
  get() {
    throw new Error('this event only asks whether somebody reads it')
  },
})
