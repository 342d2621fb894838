import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, EngineConsumer, PermitOutcome, UsePermit, Wake } from '../../core/contracts/engine.ts'
import type { TestFramework } from '../conformance/index.ts'
import type { EngineConformanceOptions, EngineSpace } from './engine-conformance-options.ts'

/** What a test works with: an open engine in a place of its own. */
export interface EngineBench {
  readonly engine: Engine
  /** Another one in the same place, open: in another process, it would be the same. The engine itself where it is not shared. */
  rival(): Promise<Engine>
  /** Takes wakes, and notes them. */
  consume(engine: Engine, options?: ConsumeOptions): Promise<TakenWakes>
  /** What the engine has reported of what nobody waits for. */
  readonly reported: readonly unknown[]
}

interface ConsumeOptions {
  readonly queue?: string
  readonly slots?: number
  /** What becomes of a permit. @default it is given back at once */
  readonly use?: UsePermit
}

/** Wakes that came to one consumer. */
export interface TakenWakes {
  readonly consumer: EngineConsumer
  readonly ids: readonly string[]
  /** How many permits are in use now, and how many were at most. */
  readonly inUse: number
  readonly mostInUse: number
}

/** Declares tests, each on a fresh bench. */
export interface EngineGroup {
  readonly options: EngineConformanceOptions
  test(title: string, body: (bench: EngineBench) => Promise<void>): void
  /** A test that is skipped, by title, unless the engine says that it can. */
  testIf(isPossible: boolean, reason: string, title: string, body: (bench: EngineBench) => Promise<void>): void
}

export function engineGroup(framework: TestFramework, options: EngineConformanceOptions): EngineGroup {
  const test = (title: string, body: (bench: EngineBench) => Promise<void>): void => {
    framework.test(title, async () => onEngineBench(options, await options.createSpace(), body))
  }
  return {
    options,
    test,
    testIf(isPossible, reason, title, body) {
      if (isPossible) test(title, body)
      else
        framework.test.skip(`${title} (${options.name}: ${reason})`, async () =>
          onEngineBench(options, await options.createSpace(), body),
        )
    },
  }
}

export async function onEngineBench(
  options: EngineConformanceOptions,
  space: EngineSpace,
  body: (bench: EngineBench) => Promise<void>,
): Promise<void> {
  const opened: Engine[] = []
  const consumers: EngineConsumer[] = []
  const reported: unknown[] = []
  const open = async (): Promise<Engine> => {
    const engine = space.createEngine()
    await engine.open({ report: (error) => void reported.push(error) })
    opened.push(engine)
    return engine
  }
  try {
    const engine = await open()
    await body({
      engine,
      reported,
      rival: async () => (options.capabilities.isShared ? open() : engine),
      async consume(by, { queue = 'default', slots = 10, use = async () => 'done' as const } = {}) {
        const taken = new Taken(use)
        const consumer = await by.consume(queue, slots, taken.use)
        consumers.push(consumer)
        return Object.assign(taken, { consumer })
      },
    })
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close()))
    await Promise.all(opened.map((engine) => engine.close()))
    await space.dispose?.()
  }
}

class Taken {
  readonly ids: string[] = []
  inUse = 0
  mostInUse = 0
  readonly #use: UsePermit

  constructor(use: UsePermit) {
    this.#use = use
  }

  readonly use = async (id: string, signal: AbortSignal): Promise<PermitOutcome> => {
    this.ids.push(id)
    this.mostInUse = Math.max(this.mostInUse, ++this.inUse)
    try {
      return await this.#use(id, signal)
    } finally {
      this.inUse--
    }
  }
}

/** A wake, with a queue and an epoch that most tests don't care about. */
export function wakeOf(id: string, { epoch = 1, queue = 'default' }: Partial<Wake> = {}): Wake {
  return { id, epoch, queue }
}

/** Until it holds; fails where it does not for long. */
export async function eventually(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  const until = performance.now() + withinMs
  while (!holds()) {
    assert.ok(performance.now() < until, `${what}: not within ${withinMs} ms`)
    await sleep(5)
  }
}

/** A permit that is in use until it is given back by hand, or its consumer is closed. */
export function heldPermits(atClose: PermitOutcome = 'again'): { readonly use: UsePermit; giveBack(): void } {
  const held: (() => void)[] = []
  return {
    use: (_, signal) =>
      new Promise((resolve) => {
        held.push(() => resolve('done'))
        if (signal.aborted) resolve(atClose)
        signal.addEventListener('abort', () => resolve(atClose))
      }),
    giveBack: () => {
      for (const give of held.splice(0)) give()
    },
  }
}
