import { dataType, durableStep, type, update } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import type { ChildOptions, DurableChild, ReceiveOptions } from '../../src/core/graph/durable-context.ts'
import type { TypedDataType } from '../../src/core/language/data-type.ts'
import type { AnyStep } from '../../src/core/language/step.ts'
import type { RetryPolicy } from '../../src/core/language/policy.ts'
import { eventTypes } from './broadcasts.ts'
import type { History } from './history.ts'
import type { RandomSource } from './random-source.ts'
import { itemOf } from './machine-mail.ts'
import { shownName } from './lookers.ts'
import { noteName } from './notes.ts'
import { answerOf, isRefusedRequest, requestName } from './requests.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { isNeeded, leafName, shortName } from './simulated-step.ts'
import type { EventVerb, SimulatedGraph, SimulatedStep } from './simulated-step.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** Where a durable function is called: an execution, and perhaps an item of it. */
interface Place {
  readonly executionId: string
  readonly item: number | undefined
  readonly generation: number
}

/** What the verbs of durable functions came to, judged as functions see it: what one has seen, no later run of it sees otherwise, and what led to it is not done again. */
export class Verbs {
  readonly #history: History
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  readonly #seen = new Map<string, string>()
  readonly #furthest = new Map<string, number>()
  #calls = 0

  constructor(history: History, batches: ReadonlyMap<string, SimulatedBatch>) {
    this.#history = history
    this.#batches = batches
  }

  /** A function that a verb calls begins; gives what it makes, which no other one does. */
  began(step: SimulatedStep, index: number, place: Place, process: SimulatedProcess): string {
    const value = `${shortName(step)}.${index}#${++this.#calls}`
    const key = this.#keyOf(step, place, process)
    this.#history.tell(() => `${process.name} ${place.executionId} ${step.name} calls ${value}`)
    if (key === undefined) return value
    const furthest = this.#furthest.get(key) ?? 0
    if (index < furthest)
      this.#history.violate(`${place.executionId}: ${step.name} did ${index} again, when it had come to ${furthest}`)
    this.#furthest.set(key, Math.max(index, furthest))
    return value
  }

  /** A function was given what a verb came to. */
  given(step: SimulatedStep, index: number, value: string, place: Place, process: SimulatedProcess): void {
    const key = this.#keyOf(step, place, process)
    if (key === undefined) return
    const known = this.#seen.get(`${key} ${index}`)
    if (known !== undefined && known !== value)
      this.#history.violate(`${place.executionId}: ${step.name} was given ${value} for ${index}, and ${known} before`)
    this.#seen.set(`${key} ${index}`, value)
  }

  /** A function was given a message, or an update. */
  received(step: SimulatedStep, index: number, message: Received, place: Place, process: SimulatedProcess): void {
    const { value = timedOut, type: name } = message
    this.given(step, index, value, place, process)
    const key = this.#keyOf(step, place, process)
    if (key === undefined || value === timedOut) return
    const life = this.#history.lives.get(place.executionId)!.number
    const item = itemOf(this.#batches, place.executionId, place.item)
    const { notes, requests } = this.#history
    const taken = name === requestName(step) ? requests?.notes : notes
    taken?.taken(name!, value, { life, item, key }, index)
  }

  /** A function answers an update. */
  answers(step: SimulatedStep, text: string, place: Place, process: SimulatedProcess): void {
    if (this.#keyOf(step, place, process) !== undefined) this.#history.requests?.answers(place.executionId, text)
  }

  /** A function goes on after a sleep: its step's record says that it waits until it ends, or is parked again. */
  woke({ name }: SimulatedStep, { executionId }: Place): void {
    const { due, steps, woken } = this.#history.lives.get(executionId) ?? {}
    woken?.set(name, this.#history.now)
    for (const key of due?.keys() ?? []) if (key === name || key.startsWith(`${name} `)) due!.delete(key)
    for (const [key, noted] of steps ?? []) if (key === name || key.startsWith(`${name} `)) noted.hasWoken = true
  }

  /** Who has lost an execution and does not know it yet can record nothing: undefined. */
  #keyOf(
    { name }: SimulatedStep,
    { executionId, item, generation }: Place,
    process: SimulatedProcess,
  ): string | undefined {
    const life = this.#history.lives.get(executionId)
    if (life?.owner?.startsWith(`${process.name}:`) !== true || !this.#history.isAlive(life.owner)) return undefined
    // What was undone, and what was made of it, is done anew in a retry.
    return `${executionId} ${life.number} ${life.reopened} ${name} ${item ?? ''} ${generation}`
  }
}

/** A step whose function calls some others, one after another, and sleeps in between. */
export function functionOf(
  each: SimulatedStep,
  ports: { readonly name: string; readonly inputs: object; readonly output: unknown; readonly retry: RetryPolicy },
  process: SimulatedProcess,
  random: RandomSource,
  verbs: Verbs,
  { graphs, noteType, typeName }: FunctionParts,
): AnyStep {
  const { length, sleepMs, event, more } = each.verbs!
  const shown = dataType(shownName(each), type<string>())
  const note = more === undefined || more.receives.length === 0 ? undefined : noteType(noteName(each))
  const request =
    more?.requests === undefined || more.requests.length === 0 ? undefined : requestOf(requestName(each), noteType)
  const received = [note, request].filter((one) => one !== undefined)
  const options =
    more === undefined || more.attempts === 1 ? {} : { retry: { maxAttempts: more.attempts, backoff: 50 } }
  const call = (index: number, context: Pick<DurableContext, 'step' | keyof Place>): Promise<string> =>
    context.step(
      'call',
      async ({ signal }) => {
        const made = verbs.began(each, index, context, process)
        // It may be tried again, after a wait.
        verbs.woke(each, context)
        const fails = random.chance(each.failureRate)
        await process.sleep(random.between(each.shortestMs, each.longestMs), each.heeds ? signal : undefined)
        if (fails) throw new Error(`${made} fails`)
        return made
      },
      options,
    )
  const answer = async (place: number, timeout: number | undefined, context: AnyContext): Promise<void> => {
    const at = length + 20 + 2 * place
    const message = await context.receive(request, timeout === undefined ? {} : { timeout })
    verbs.received(each, at, message, context, process)
    verbs.woke(each, context)
    if (message.value === undefined) return
    const made = await call(0, context)
    verbs.given(each, at + 1, made, context, process)
    verbs.woke(each, context)
    const { text, fails } = answerOf(message.value, made)
    verbs.answers(each, text, context, process)
    await (fails ? message.fail(new Error(text)) : message.reply(text))
  }
  return durableStep({
    ...ports,
    timeout: each.timeoutMs,
    ...(received.length > 0 && { receives: received }),
    ...(more?.publishes === true && { publishes: [shown] }),
    run: async (given: Readonly<Record<string, unknown>>, context: AnyContext) => {
      let child: DurableChild<unknown> | undefined
      const outcome = async (ending: Promise<unknown>, index: number): Promise<void> => {
        const value = await ending.then(String, (error: unknown) => {
          // What is told to stop ends.
          if (context.signal.aborted) throw error
          return '!'
        })
        verbs.given(each, index, value, context, process)
        verbs.woke(each, context)
      }
      for (let index = 0; index < length; index++) {
        const value = await call(index, context)
        verbs.given(each, index, value, context, process)
        // That a further attempt was waited for may be on record with what it came to.
        if (more !== undefined) verbs.woke(each, context)
        if (index === 0 && event !== undefined) {
          verbs.given(each, length, JSON.stringify(await broadcast(event, value, context)), context, process)
          verbs.woke(each, context)
        }
        if (index === 0 && more !== undefined) {
          if (more.publishes) await context.publish(shown, value)
          if (more.child !== undefined) {
            const { graph: plan, waits, onParentEnd } = more.child
            const { graph, target } = graphs.get(plan.name)!
            const leaves = leavesOf(plan, typeName)
            if (waits === 'at once') await outcome(context.execute(graph, target, leaves), length + 1)
            else child = await context.start(graph, target, leaves, { onParentEnd })
          }
          for (const [place, timeout] of more.receives.entries()) {
            const message = await context.receive(note, timeout === undefined ? {} : { timeout })
            verbs.received(each, length + 2 + place, message, context, process)
            verbs.woke(each, context)
          }
        }
        if (index === 0)
          for (const [place, timeout] of more?.requests?.entries() ?? []) await answer(place, timeout, context)
        if (sleepMs === 0 || index > 0) continue
        await context.sleep(sleepMs)
        verbs.woke(each, context)
      }
      if (more?.hasBranches === true)
        await Promise.all(
          [0, 300].map((ms, branch) =>
            context.branch(`b${branch}`, async (within) => {
              await within.sleep(ms)
              verbs.woke(each, context)
              const value = await call(length, within)
              verbs.given(each, length + 10 + branch, value, context, process)
              verbs.woke(each, context)
            }),
          ),
        )
      if (child !== undefined && more?.child?.waits === 'later') await outcome(child.result(), length + 1)
      if (context.generation < (more?.generations ?? 0)) await context.continueAsNew(given)
      return `${shortName(each)}(${Object.values(given).map((input) => String(input ?? '-').replace(/\(.*/, ''))})`
    },
  } as never) as unknown as AnyStep
}

/** What a wait for a message came to whose time was over. */
const timedOut = 'nothing'

/** A message, or an update. */
interface Received {
  readonly type?: string
  readonly value?: string
  reply(value: string): Promise<void>
  fail(error: unknown): Promise<void>
}

/** What a step's declaration says is told to the compiler alone. */
interface AnyContext extends Omit<
  DurableContext,
  'execute' | 'start' | 'receive' | 'publish' | 'continueAsNew' | 'branch'
> {
  publish(type: unknown, value: string): Promise<void>
  execute(graph: unknown, target: unknown, inputs: unknown): Promise<unknown>
  start(graph: unknown, target: unknown, inputs: unknown, options: ChildOptions): Promise<DurableChild<unknown>>
  receive(types: unknown, options: ReceiveOptions): Promise<Received>
  continueAsNew(inputs: unknown): Promise<never>
  branch<Value>(name: string, run: (context: DurableContext) => Promise<Value>): Promise<Value>
}

/** The type of a function's updates, some of which it refuses. */
function requestOf(name: string, noteType: FunctionParts['noteType']): TypedDataType {
  const { schema } = noteType(name)
  return update(name, {
    input: schema as never,
    output: type<string>(),
    validate: judgeRequest,
  }) as unknown as TypedDataType
}

function judgeRequest(value: unknown): void {
  if (isRefusedRequest(value)) throw new Error('it is refused')
}

/** What functions need of the world that they live in. */
interface FunctionParts {
  /** What they may begin. */
  readonly graphs: ReadonlyMap<string, { readonly graph: unknown; readonly target: unknown }>
  readonly noteType: (name: string) => TypedDataType
  /** What a type is called in the version of the program. */
  readonly typeName: (name: string) => string
}

function leavesOf(plan: SimulatedGraph, typeName: (name: string) => string): Readonly<Record<string, string>> {
  const needed = Array.from({ length: plan.leaves }, (_, leaf) => leaf).filter((leaf) => isNeeded(plan, leaf))
  return Object.fromEntries(needed.map((leaf) => [typeName(leafName(plan, leaf)), `${'ab'[leaf]}f`]))
}

/** Emits an event, whose value is the first one that was made for it, or waits for one. */
function broadcast(
  { does, type: of, key, timeoutMs }: EventVerb,
  made: string,
  context: Pick<DurableContext, 'emit' | 'waitFor'>,
): Promise<unknown> {
  const event = eventTypes[of]!
  if (does === 'emit') return context.emit(event, key, `${event.name}/${key} ${made}`)
  return context.waitFor(event, key, { timeout: timeoutMs })
}
