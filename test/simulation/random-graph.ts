import {
  all,
  dataType,
  exponential,
  fixed,
  NonRetryableError,
  optional,
  race,
  step,
  timer,
  type,
  untypedGraph,
} from '../../src/index.ts'
import type { AnyDataType } from '../../src/core/language/data-type.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import type { CompensateContext } from '../../src/core/language/compensation.ts'
import type { First } from '../../src/core/language/race.ts'
import type { StepContext } from '../../src/core/language/step.ts'
import type { CallRecord, Calls } from './calls.ts'
import type { Features } from './features.ts'
import type { RandomSource } from './random-source.ts'
import type { SimulatedProcess } from './simulated-process.ts'

export interface SimulatedPort {
  readonly name: string
  readonly from: { readonly leaf: number } | { readonly step: number }
  readonly isOptional: boolean
  /** Whether it takes the values of all items of a batch. */
  readonly isAll?: boolean
}

export interface SimulatedStep {
  readonly name: string
  readonly ports: readonly SimulatedPort[]
  readonly scope: 'execution' | 'global' | undefined
  readonly ttlMs: number | undefined
  readonly maxAttempts: number
  readonly backoffMs: number
  readonly isExponential: boolean
  readonly timeoutMs: number | undefined
  readonly shortestMs: number
  readonly longestMs: number
  readonly failureRate: number
  /** Whether a wait is broken off when the signal says so. */
  readonly heeds: boolean
  /** Whether each call makes a value of its own, as a charge or a draft would. */
  readonly isUnique: boolean
  /** What takes a failure's place: a value, what a function makes (maybe later), or nothing after all. */
  readonly fallback?: 'value' | 'prompt' | 'slow' | 'throws'
  /** What it does is undone. */
  readonly compensates?: boolean
  /** Whether it takes the first of its inputs, or waits for so long. @default neither */
  readonly kind?: 'race' | 'passing race' | 'timer'
  readonly afterMs?: number
}

/** A graph whose target is its last step. */
export interface SimulatedGraph {
  readonly name: string
  readonly leaves: number
  readonly steps: readonly SimulatedStep[]
  readonly timeoutMs: number | undefined
}

/** A graph for a run to use; `isCalm` leaves out what makes steps fail or repeat. */
export function randomGraph(
  random: RandomSource,
  name: string,
  isCalm: boolean,
  { hasFallbacks, hasBatches, hasControlFlow }: Features,
): SimulatedGraph {
  const leaves = random.int(1, 2)
  const steps: SimulatedStep[] = []
  const length = random.int(1, 6)
  for (let index = 0; index < length; index++) steps.push(randomStep(random, name, index, leaves, isCalm))
  const used = new Set(steps.flatMap(({ ports }) => ports.map(({ from }) => ('step' in from ? from.step : -1))))
  const last = steps.at(-1)!
  const more = steps
    .slice(0, -1)
    .flatMap((_, index): SimulatedPort[] =>
      used.has(index) ? [] : [{ name: `u${index}`, from: { step: index }, isOptional: random.chance(0.2) }],
    )
  steps[length - 1] = { ...last, ports: [...last.ports, ...more] }
  if (hasFallbacks)
    for (const [index, each] of steps.entries())
      if (random.chance(0.5)) steps[index] = { ...each, ...failing(each, random) }
  if (hasBatches && random.chance(0.4)) makeBarrier(steps, random.int(0, length - 1))
  if (hasControlFlow) addControlFlow(random, name, steps)
  return { name, leaves, steps, timeoutMs: !isCalm && random.chance(0.1) ? random.int(3_000, 30_000) : undefined }
}

const fromStep = (index: number): SimulatedPort['from'] => ({ step: index })
const portOf = (from: SimulatedPort['from'], name: string): SimulatedPort => ({ name, from, isOptional: false })

/** Lets steps be undone, and adds a timer, a race of it and some step, and a step that needs the race and all else, and fails at times. */
function addControlFlow(random: RandomSource, graph: string, steps: SimulatedStep[]): void {
  for (const [index, step] of steps.entries())
    if (random.chance(0.6))
      steps[index] = { ...step, compensates: true, scope: 'execution', ttlMs: undefined, isUnique: true }
  const last = steps.length - 1
  const plain = {
    ttlMs: undefined,
    maxAttempts: 1,
    backoffMs: 0,
    isExponential: false,
    timeoutMs: undefined,
    shortestMs: 0,
    longestMs: 0,
    failureRate: 0,
    heeds: true,
    isUnique: false,
  } as const
  const timer = steps.push({
    ...plain,
    name: `${graph}.S${last + 1}`,
    kind: 'timer',
    ports: random.chance(0.3) ? [portOf({ leaf: 0 }, 'p0')] : [],
    scope: 'execution',
    afterMs: random.pick([0, 50, 1_000, 5_000, 20_000]),
  })
  const race = steps.push({
    ...plain,
    name: `${graph}.S${timer}`,
    kind: random.pick(['race', 'passing race']),
    ports: [portOf(fromStep(random.int(0, last)), 'one'), portOf(fromStep(timer - 1), 'two')],
    scope: 'execution',
  })
  steps.push({
    ...plain,
    name: `${graph}.S${race}`,
    ports: [portOf(fromStep(last), 'p0'), portOf(fromStep(race - 1), 'p1')],
    scope: random.pick([undefined, 'execution']),
    longestMs: random.pick([0, 50, 3_000]),
    failureRate: random.pick([0, 0.3, 0.8]),
  })
}

/** Lets a step wait for all items of a batch, if it takes what other steps make. */
function makeBarrier(steps: SimulatedStep[], index: number): void {
  const step = steps[index]!
  const ports = step.ports.flatMap((port) => ('step' in port.from ? [{ ...port, isOptional: false, isAll: true }] : []))
  if (ports.length > 0) steps[index] = { ...step, ports }
}

/** Fallbacks are of no use where nothing fails. */
function failing(step: SimulatedStep, random: RandomSource): Partial<SimulatedStep> {
  return {
    fallback: random.weighted({ value: 30, prompt: 40, slow: 20, throws: 10 }),
    failureRate: random.pick([step.failureRate, 0.3, 0.7, 1]),
  }
}

function randomStep(
  random: RandomSource,
  graph: string,
  index: number,
  leaves: number,
  isCalm: boolean,
): SimulatedStep {
  const ports: SimulatedPort[] = []
  const wanted = random.int(index === 0 ? 0 : 1, 2)
  while (ports.length < wanted) {
    const isLeaf = index === 0 || random.chance(0.25)
    const from = isLeaf ? { leaf: random.int(0, leaves - 1) } : { step: random.int(0, index - 1) }
    ports.push({ name: `p${ports.length}`, from, isOptional: !isLeaf && random.chance(0.15) })
  }
  const scope = ({ none: undefined, execution: 'execution', global: 'global' } as const)[
    random.weighted({ none: 25, execution: 45, global: 30 })
  ]
  const longestMs = random.pick([0, 5, 50, 400, 3_000, 8_000])
  const mayFail = random.chance(isCalm ? 0.3 : 0.4)
  return {
    name: `${graph}.S${index}`,
    ports,
    scope,
    ttlMs: scope === 'global' && random.chance(0.3) ? random.int(500, 20_000) : undefined,
    maxAttempts: mayFail ? random.int(2, 4) : 1,
    backoffMs: random.pick([0, 20, 300, 2_000]),
    isExponential: random.chance(0.5),
    timeoutMs: !isCalm && random.chance(0.15) ? random.int(20, 4_000) : undefined,
    shortestMs: longestMs >> 1,
    longestMs,
    failureRate: mayFail ? random.pick([0.2, 0.5]) : isCalm ? 0 : random.pick([0, 0, 0, 0.1]),
    heeds: random.chance(0.6),
    isUnique: random.chance(0.7),
  }
}

export const leafName = (graph: SimulatedGraph, leaf: number): string => `${graph.name}.L${leaf}`

/** The graph as one process declares it. */
export interface LiveGraph {
  readonly graph: AnyGraph
  readonly target: AnyDataType
}

/** Builds the graph for a process: its functions live and die with it. */
export function buildGraph(
  plan: SimulatedGraph,
  process: SimulatedProcess,
  random: RandomSource,
  calls: Calls,
): LiveGraph {
  const leaves = Array.from({ length: plan.leaves }, (_, leaf) => dataType(leafName(plan, leaf), type<string>()))
  const types = plan.steps.map(({ name }) => dataType(`${name}.Out`, type<string>()))
  const steps = plan.steps.map((each, index) => {
    const ports = each.ports.map(({ name, from, isOptional, isAll }) => {
      const source = 'leaf' in from ? leaves[from.leaf]! : types[from.step]!
      return [name, isAll === true ? all(source) : isOptional ? optional(source) : source] as const
    })
    const run = (inputs: Readonly<Record<string, unknown>>, context: StepContext): unknown =>
      runOf(each, inputs, context, process, random, calls)
    if (each.kind === 'timer')
      return timer({
        name: each.name,
        inputs: Object.fromEntries(ports),
        output: types[index]! as never,
        after: each.afterMs!,
        value: (() => `${shortName(each)}(t)`) as never,
      })
    if (each.kind !== undefined)
      return race({
        name: each.name,
        inputs: Object.fromEntries(ports) as never,
        output: types[index]! as never,
        ...(each.kind === 'race' ? { run: runOfRace(each, process, calls) } : {}),
      } as never)
    const backoff = each.isExponential ? exponential(each.backoffMs, { jitter: 0.5 }) : fixed(each.backoffMs)
    return step({
      name: each.name,
      inputs: Object.fromEntries(ports),
      output: types[index]!,
      run: run as never,
      fallback: fallbackOf(each, process, calls) as never,
      ...(each.compensates === true && { compensate: undoOf(each, process, random, calls) as never }),
      timeout: each.timeoutMs,
      persist:
        each.scope === undefined
          ? undefined
          : each.ttlMs === undefined
            ? each.scope
            : { scope: each.scope, ttl: each.ttlMs },
      retry: each.maxAttempts === 1 ? { maxAttempts: 1 } : { maxAttempts: each.maxAttempts, backoff },
    })
  })
  const timeout = plan.timeoutMs === undefined ? {} : { timeout: plan.timeoutMs }
  return { graph: untypedGraph({ name: plan.name, steps, ...timeout }), target: types.at(-1)! }
}

/** Takes what came first, which is noted before. */
function runOfRace(each: SimulatedStep, process: SimulatedProcess, calls: Calls): unknown {
  return (first: First, { executionId }: StepContext): string => {
    calls.deeds.decided(each, first, executionId, process)
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
  const tookMs = random.between(each.shortestMs, each.longestMs)
  const fails = random.chance(each.failureRate)
  const isHopeless = random.chance(0.05)
  const end = (): string => {
    if (fails) {
      calls.ended(call, undefined, isHopeless)
      const message = `${each.name} call ${call.number}`
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

export function shortName({ name }: SimulatedStep): string {
  return name.slice(name.indexOf('.') + 1)
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
