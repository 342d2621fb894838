import {
  all,
  dataType,
  event,
  exponential,
  fixed,
  NonRetryableError,
  optional,
  race,
  RetryAfterError,
  signal,
  step,
  subgraph,
  timer,
  type,
  untypedGraph,
} from '../../src/index.ts'
import type { AnyDataType, TypedDataType } from '../../src/core/language/data-type.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import type { CompensateContext } from '../../src/core/language/compensation.ts'
import type { First } from '../../src/core/language/race.ts'
import type { StepContext } from '../../src/core/language/step.ts'
import type { Due } from '../../src/core/language/timer.ts'
import type { RetryPolicy } from '../../src/core/language/policy.ts'
import type { AnyStep } from '../../src/core/language/step.ts'
import type { CallRecord, Calls } from './calls.ts'
import { eventTypes, keyOfEvent } from './broadcasts.ts'
import { functionOf } from './functions.ts'
import { isWrongLetter } from './letters.ts'
import { limitOptions } from './limits.ts'
import type { MachineLedger } from './machine-ledger.ts'
import { machineOf } from './machines.ts'
import { leafName, shortName } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'
import type { RandomSource } from './random-source.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { SimulatedVersion } from './versions.ts'

/** The graph as one process declares it. */
export interface LiveGraph {
  readonly graph: AnyGraph
  readonly target: AnyDataType
}

/** Builds the graph for a process: its functions live and die with it. `of` has the graphs that its children need. */
export function buildGraph(
  plan: SimulatedGraph,
  process: SimulatedProcess,
  random: RandomSource,
  calls: Calls,
  of: ReadonlyMap<string, LiveGraph> = new Map(),
  machines?: MachineLedger,
  version: SimulatedVersion = new SimulatedVersion(0),
): LiveGraph {
  const typed = (name: string): TypedDataType => dataType(version.type(name), type<string>(), version.optionsOf(name))
  const leaves = Array.from({ length: plan.leaves }, (_, leaf) => typed(leafName(plan, leaf)))
  const types = plan.steps.map((each) =>
    each.kind === 'signal'
      ? judgedType(version.type(each.name), process, each.isCheckedSlowly, version.optionsOf(each.name))
      : // Steps that wait for events are named by what they make.
        typed(each.kind === 'event' ? each.name : `${each.name}.Out`),
  )
  const declared = version.planOf(plan).steps.map((each, index) => {
    const formerly = version.formerly('step', each.name)
    const named = { name: version.step(each.name), formerly }
    const sources = each.ports.map(({ from }) => ('leaf' in from ? leaves[from.leaf]! : types[from.step]!))
    const ports = each.ports.map(({ name, isOptional, isAll }, place) => {
      const source = sources[place]!
      return [name, isAll === true ? all(source) : isOptional ? optional(source) : source] as const
    })
    const output = types[index]! as never
    const inputs = Object.fromEntries(ports)
    const fallback = fallbackOf(each, process, calls) as never
    const timeout = each.timeoutMs
    const when = each.hasCondition === true ? holds : undefined
    if (each.kind === 'timer')
      return timer({
        ...named,
        inputs,
        output,
        after: each.afterMs!,
        timeout,
        when,
        value: ((_: unknown, due: Due) => calls.deeds.fired(each, due)) as never,
      })
    if (each.kind === 'signal') return signal(output, { inputs, timeout, fallback })
    if (each.kind === 'event')
      return event(eventTypes[each.event!.type]!, {
        inputs,
        key: (given: Readonly<Record<string, unknown>>) => keyOfEvent(each, given),
        output,
        timeout,
        fallback,
        when,
      })
    if (each.kind === 'child')
      return childOf(each, version, of.get(each.child!.name)!, sources, output, {
        ...named,
        when,
        ...(each.queue !== undefined && { queue: each.queue }),
        ...(each.onWorkerLoss !== undefined && { onWorkerLoss: each.onWorkerLoss }),
        ...(each.compensates === true && { compensate: undoOf(each, process, random, calls) }),
      })
    if (each.kind === 'function')
      return functionOf(each, { ...named, inputs, output, retry: retryOf(each) }, process, random, calls.verbs, {
        graphs: of,
        noteType: (name) => judgedType(name, process, each.isCheckedSlowly),
        typeName: (name) => version.type(name),
      })
    if (each.kind === 'machine')
      return machineOf(each, { ...named, inputs, output }, process, random, machines!, (name) =>
        judgedType(name, process, each.isCheckedSlowly),
      )
    if (each.kind !== undefined)
      return race({
        ...named,
        inputs: inputs as never,
        output,
        ...(each.fallback !== undefined && { fallback }),
        ...(each.kind === 'race' ? { run: runOfRace(each, process, calls) } : {}),
      } as never)
    const run = (given: Readonly<Record<string, unknown>>, context: StepContext): unknown =>
      runOf(each, given, context, process, random, calls)
    return step({
      ...named,
      inputs,
      output,
      run: run as never,
      fallback,
      ...(each.compensates === true && { compensate: undoOf(each, process, random, calls) as never }),
      timeout,
      persist:
        each.scope === undefined
          ? undefined
          : each.ttlMs === undefined
            ? each.scope
            : { scope: each.scope, ttl: each.ttlMs },
      retry: retryOf(each),
      ...limitOptions(each),
      when: when as never,
      ...(each.queue !== undefined && { queue: each.queue }),
    })
  })
  const steps = declared.filter((_, index) => version.has(plan.steps[index]!.name))
  const timeout = plan.timeoutMs === undefined ? {} : { timeout: plan.timeoutMs }
  const formerly = version.formerly('graph', plan.name)
  const name = version.graph(plan.name)
  const graph = untypedGraph({ name, steps: steps as never, ...timeout, ...(formerly !== undefined && { formerly }) })
  return { graph, target: types.at(-1)! }
}

function retryOf({ maxAttempts, backoffMs, isExponential }: SimulatedStep): RetryPolicy {
  const backoff = isExponential ? exponential(backoffMs, { jitter: 0.5 }) : fixed(backoffMs)
  return maxAttempts === 1 ? { maxAttempts: 1 } : { maxAttempts, backoff }
}

/** The graph within, with the parent's types in the place of its leaves. */
function childOf(
  each: SimulatedStep,
  version: SimulatedVersion,
  { graph, target }: LiveGraph,
  sources: readonly AnyDataType[],
  output: AnyDataType,
  more: object,
): AnyStep {
  const plan = each.child!
  const renames = sources.map((source, place) => [
    version.type(leafName(plan, Number(each.ports[place]!.name.slice(1)))),
    source,
  ])
  return subgraph(
    graph as never,
    target as never,
    {
      inputs: Object.fromEntries(renames) as Readonly<Record<string, AnyDataType>>,
      output,
      timeout: each.timeoutMs,
      retry: retryOf(each),
      ...more,
    } as never,
  ) as unknown as AnyStep
}

function judgeLetter(value: unknown): { readonly value: string } | { readonly issues: readonly { message: string }[] } {
  return isWrongLetter(value) ? { issues: [{ message: 'it is a wrong one' }] } : { value: String(value) }
}

/** Whatever is sent by somebody who does not know the graph is checked where it is read. */
function judgedType(
  name: string,
  process: SimulatedProcess,
  isSlow = false,
  options: Parameters<typeof dataType>[2] = {},
): TypedDataType {
  const validate = (value: unknown): unknown =>
    isSlow ? process.sleep(20).then(() => judgeLetter(value)) : judgeLetter(value)
  const schema = { '~standard': { version: 1, vendor: 'simulation', validate } }
  return dataType(name, schema as never, options) as TypedDataType
}

function holds(inputs: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify(inputs).length % 2 === 0
}

/** Takes what came first, which is noted before. */
function runOfRace(each: SimulatedStep, process: SimulatedProcess, calls: Calls): unknown {
  return (first: First, context: StepContext): string => {
    calls.deeds.decided(each, first, context, process)
    return `${shortName(each)}(${first.port})`
  }
}

/** Undoes what a step did, at the second try at times. */
function undoOf(each: SimulatedStep, process: SimulatedProcess, random: RandomSource, calls: Calls): object {
  const run = async (output: unknown, context: CompensateContext): Promise<void> => {
    calls.deeds.undoBegins(each, context, output, process)
    const fails = random.chance(0.2)
    await process.sleep(random.pick([0, 20, 400]))
    if (fails) throw new SimulatedFailure(`${each.name} can't be undone at the moment`)
    calls.deeds.undone(each, context)
  }
  return { run, retry: { maxAttempts: 50, backoff: fixed(20) }, wait: 2_000 }
}

function runOf(
  each: SimulatedStep,
  inputs: Readonly<Record<string, unknown>>,
  context: StepContext,
  process: SimulatedProcess,
  random: RandomSource,
  calls: Calls,
): unknown {
  const call = calls.began(each, inputs, context, process)
  calls.limits.began(call, inputs, context.signal)
  const tookMs = random.between(each.shortestMs, each.longestMs)
  const fails = random.chance(each.failureRate)
  const isHopeless = random.chance(0.05)
  const isAsked = each.retryAfter !== undefined && random.chance(0.5)
  const end = (): string => {
    if (fails) {
      calls.ended(call, undefined, isHopeless)
      const message = `${each.name} call ${call.number}`
      if (isAsked) {
        const { ms, counts } = each.retryAfter!
        call.retryAfterMs = ms
        throw new RetryAfterError(ms, { countsAsAttempt: counts, cause: new SimulatedFailure(message) })
      }
      throw isHopeless ? new NonRetryableError(message) : new SimulatedFailure(message)
    }
    const value = valueOf(each, inputs, call)
    calls.ended(call, value)
    return value
  }
  if (each.longestMs === 0) return random.chance(0.5) ? end() : Promise.resolve().then(end)
  return process.sleep(tookMs, each.heeds ? context.signal : undefined).then(end, (reason: unknown) => {
    calls.ended(call, undefined)
    throw reason
  })
}

/** The step's fallback; what it makes names the one time that it was made. */
function fallbackOf(each: SimulatedStep, process: SimulatedProcess, calls: Calls): unknown {
  const { fallback } = each
  const made = (error: unknown): string => {
    const value = calls.fellBack(each, error, process)
    if (fallback === 'throws') throw new SimulatedFailure(`${value} has no fallback after all`)
    return value
  }
  const madeSlowly = async (error: unknown): Promise<string> => {
    const value = made(error)
    await process.sleep(each.shortestMs / 4)
    return value
  }
  if (fallback === undefined) return undefined
  if (fallback === 'value') return `${shortName(each)}!`
  return fallback === 'slow' ? madeSlowly : made
}

function valueOf(each: SimulatedStep, inputs: Readonly<Record<string, unknown>>, call: CallRecord): string {
  const short = shortName(each)
  const given = Object.values(inputs)
    .flat()
    .map((input) => String(input ?? '-').replace(/\(.*/, ''))
  return `${short}${each.isUnique ? `#${call.number}` : ''}(${given.join(',')})`
}

/** What simulated steps fail with. */
class SimulatedFailure extends Error {
  override readonly name = 'SimulatedFailure'
}
