import { Actor } from 'xstate'
import type { AnyActorRef } from 'xstate'
import type { StepActors } from './step-actors.ts'

type AnyActorSystem = AnyActorRef['system']

/** An execution as the watcher sees it. */
export interface WatchedExecution {
  readonly id: string
  readonly self: AnyActorRef
  /** Undefined for an actor whose execution does not run in this process. */
  readonly actors: StepActors | undefined
}

/**
 * Notices when somebody looks at an actor system's executions: by inspecting it, or by asking it for an actor by id. Until
 * then the steps of an execution need no actors. It decorates the system's own public methods, once per system.
 */
export class SystemWatcher {
  readonly #executions = new Map<string, WatchedExecution>()
  #inspectors: number
  /** False until it is known whether somebody inspected before the first execution came. */
  #isSure: boolean

  private constructor(system: AnyActorSystem, isInspected: boolean | undefined) {
    this.#inspectors = isInspected === true ? 1 : 0
    this.#isSure = isInspected !== undefined
    const { get, getAll, inspect } = system
    replace(system, 'get', (key) => get(key) ?? this.#find(String(key)))
    replace(system, 'getAll', () => ({ ...getAll(), ...this.#all() }))
    replace(system, 'inspect', (observer) => {
      const next = typeof observer === 'function' ? observer : observer.next?.bind(observer)
      for (const { self, actors } of this.#executions.values()) {
        // XState itself shows late-comers nothing of the actors that are there: they could not draw what they see of them.
        const rootId = rootOf(self).sessionId
        for (const actorRef of [self, ...(actors?.living ?? [])]) next?.({ type: '@xstate.actor', actorRef, rootId })
      }
      const subscription = inspect(observer)
      this.#inspectors++
      for (const { actors } of this.#executions.values()) actors?.wake()
      let isOn = true
      return {
        unsubscribe: () => {
          subscription.unsubscribe()
          if (isOn) this.#inspectors--
          isOn = false
        },
      }
    })
  }

  static of(self: AnyActorRef): SystemWatcher {
    const system: WatchedSystem = self.system
    return (system[watcherKey] ??= new SystemWatcher(system, isInspectedAlready(self)))
  }

  get isInspected(): boolean {
    return this.#inspectors > 0
  }

  /** Does what inspectors hear of; after it, `isInspected` is certain. */
  listen(self: AnyActorRef, act: () => void): void {
    if (this.#isSure) {
      act()
      return
    }
    this.#isSure = true
    if (isHeard(rootOf(self), act)) this.#inspectors++
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
      const found = key.startsWith(`${id}/`) ? actors?.get(key.slice(id.length + 1)) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  #all(): Record<string, AnyActorRef> {
    const all: Record<string, AnyActorRef> = {}
    for (const { id, self, actors } of this.#executions.values()) {
      all[id] = self
      for (const [name, ref] of Object.entries(actors?.children ?? {})) all[`${id}/${name}`] = ref
    }
    return all
  }
}

// On the system itself: a WeakMap of short-lived systems costs the garbage collector more than a whole execution.
const watcherKey = Symbol('docket.system-watcher')

/**
 * Defined, not assigned: where the same place assigns a method to one short-lived system after the other, V8 keeps each system alive
 * until a full collection, and half of the young heap was copied at every small one.
 */
function replace<Name extends 'get' | 'getAll' | 'inspect'>(
  system: AnyActorSystem,
  name: Name,
  value: AnyActorSystem[Name],
): void {
  Object.defineProperty(system, name, { value, writable: true, enumerable: true, configurable: true })
}

type WatchedSystem = AnyActorSystem & { [watcherKey]?: SystemWatcher }

/** The actor at the top of the system; a parent is known by the options that an actor was created with. */
function rootOf(self: AnyActorRef): AnyActorRef {
  let root = self
  while (root instanceof Actor && root.options.parent !== undefined) root = root.options.parent
  return root
}

/**
 * Whether somebody inspects the system already: its root says so in its options. Inside somebody else's machine it is not
 * known, as `system.inspect` may have been called before the execution came.
 */
function isInspectedAlready(self: AnyActorRef): boolean | undefined {
  const root = rootOf(self)
  if (!(root instanceof Actor)) return undefined
  if (root.options.inspect !== undefined) return true
  return root === self ? false : undefined
}

/**
 * Does something that inspectors hear of, and returns whether there are any: XState reads the root's session id only to put it
 * into the events that it hands to them.
 */
function isHeard(root: AnyActorRef, act: () => void): boolean {
  const { sessionId } = root
  let isRead = false
  const get = (): string => {
    isRead = true
    return sessionId
  }
  Object.defineProperty(root, 'sessionId', { get, enumerable: true, configurable: true })
  try {
    act()
  } finally {
    Object.defineProperty(root, 'sessionId', { value: sessionId, writable: true, enumerable: true, configurable: true })
  }
  return isRead
}
