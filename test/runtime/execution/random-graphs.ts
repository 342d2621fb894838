import * as fc from 'fast-check'
import {
  AbortExecutionError,
  dataType,
  fixed,
  NonRetryableError,
  optional,
  step,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import type { AnyGraph } from '../../../src/core/graph/graph-index.ts'
import type { StepContext } from '../../../src/core/language/step.ts'
import { uniqueName } from '../../loose-api.ts'
import type { VirtualTime } from '../virtual-time.ts'

/** What a step does with its inputs: so many attempts fail, each attempt takes so long. */
export interface Behaviour {
  readonly failures: number
  readonly throws: 'error' | 'text' | 'undefined' | 'nonRetryable' | 'abort'
  /** Milliseconds; 0 for an async function that waits for nothing; 'sync' for one that is not async. */
  readonly takes: number | 'sync'
  /** Whether a wait is broken off when the signal says so. */
  readonly heeds: boolean
}

export interface RandomPort {
  /** Index of the leaf or of the earlier step. */
  readonly from: { readonly leaf: number } | { readonly step: number }
  readonly kind: 'plain' | 'optional'
}

export interface RandomStep {
  readonly ports: readonly RandomPort[]
  /** Which of them it is depends on the inputs alone: what is remembered of a step must not depend on anything else. */
  readonly behaviours: readonly Behaviour[]
  readonly maxAttempts: number
  readonly backoffMs: number
  readonly timeoutMs: number | undefined
  readonly fallback: 'none' | 'value' | 'function'
  readonly persist: 'execution' | 'global' | undefined
  readonly concurrency: number | undefined
}

/** A graph whose target is its last step. */
export interface RandomGraph {
  readonly leaves: number
  readonly steps: readonly RandomStep[]
}

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  failures: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
  throws: fc.oneof(
    { weight: 8, arbitrary: fc.constant('error' as const) },
    { weight: 2, arbitrary: fc.constantFrom('text' as const, 'undefined' as const, 'nonRetryable' as const) },
    { weight: 1, arbitrary: fc.constant('abort' as const) },
  ),
  takes: fc.oneof(
    fc.constant('sync' as const),
    fc.constant(0),
    fc.integer({ min: 1, max: 60 }).filter((ms) => ms !== 30),
  ),
  heeds: fc.boolean(),
})

function stepOf(index: number, leaves: number): fc.Arbitrary<RandomStep> {
  const leaf = fc.integer({ min: 0, max: leaves - 1 }).map((at) => ({ leaf: at }))
  const earlier = fc.integer({ min: 0, max: Math.max(0, index - 1) }).map((at) => ({ step: at }))
  const from = index === 0 ? leaf : fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 4, arbitrary: earlier })
  const kind = fc.oneof(
    { weight: 3, arbitrary: fc.constant('plain' as const) },
    { weight: 2, arbitrary: fc.constant('optional' as const) },
  )
  return fc
    .record({
      ports: fc.array(fc.record({ from, kind }), { maxLength: 4 }),
      behaviours: fc.array(behaviour, { minLength: 1, maxLength: 4 }),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      backoffMs: fc.constantFrom(0, 1, 40),
      timeoutMs: fc.option(fc.constant(30), { nil: undefined, freq: 2 }),
      fallback: fc.oneof(
        { weight: 6, arbitrary: fc.constant('none' as const) },
        { weight: 1, arbitrary: fc.constantFrom('value' as const, 'function' as const) },
      ),
      persist: fc.option(fc.constantFrom('execution' as const, 'global' as const), { nil: undefined, freq: 3 }),
      concurrency: fc.option(fc.constantFrom(1, 2), { nil: undefined, freq: 4 }),
      // What a persisted attempt brings too late is remembered all the same: the next one to ask would get a value after all.
    })
    .map((each) => (each.persist === undefined ? each : { ...each, timeoutMs: undefined }))
}

export const randomGraph: fc.Arbitrary<RandomGraph> = fc.integer({ min: 1, max: 3 }).chain((leaves) =>
  fc
    .integer({ min: 1, max: 12 })
    .chain((length) => fc.tuple(...Array.from({ length }, (_, index) => stepOf(index, leaves))))
    .map((steps) => ({ leaves, steps: linked(steps) })),
)

/** Makes the last step need whatever no other step needs, so that much of the graph is part of the plan. */
function linked(steps: readonly RandomStep[]): readonly RandomStep[] {
  const used = new Set(steps.flatMap(({ ports }) => ports.flatMap(({ from }) => ('step' in from ? [from.step] : []))))
  const unused = steps.slice(0, -1).flatMap((_, index) => (used.has(index) ? [] : [index]))
  const last = steps.at(-1)!
  const more = unused.map((index): RandomPort => ({
    from: { step: index },
    kind: index % 3 === 0 ? 'plain' : 'optional',
  }))
  return [...steps.slice(0, -1), { ...last, ports: [...last.ports, ...more] }]
}

export const leafName = (leaf: number): string => `Leaf${leaf}`
export const typeName = (step: number): string => `Type${step}`
export const stepName = (step: number): string => `Step${step}`

/** One call of a step's function. */
export interface Call {
  readonly step: number
  readonly item: number | undefined
  readonly attempt: number
  readonly inputs: Readonly<Record<string, unknown>>
  readonly executionId: string
}

/** A random graph as a real one, and what its steps have seen and done. */
export interface LiveGraph {
  readonly graph: AnyGraph
  readonly target: unknown
  readonly calls: Call[]
  /** What attempts threw, by step and inputs. */
  readonly thrown: Map<string, unknown[]>
}

export const valueText = (step: number, inputs: Readonly<Record<string, unknown>>): string =>
  `${typeName(step)}(${Object.values(inputs)
    .map((input) => input ?? '-')
    .join(',')})`

/** What the step does with these inputs. */
export function behaviourOf(random: RandomStep, value: string): Behaviour {
  let sum = 0
  for (const character of value) sum = (sum * 31 + character.codePointAt(0)!) % 65_521
  return random.behaviours[sum % random.behaviours.length]!
}

/** Builds the graph. Names are unique: nothing that is remembered globally reaches another one. */
export function build(random: RandomGraph, clock: VirtualTime): LiveGraph {
  const calls: Call[] = []
  const thrown = new Map<string, unknown[]>()
  const leaves = Array.from({ length: random.leaves }, (_, leaf) => dataType(leafName(leaf), type<string>()))
  const types = random.steps.map((_, index) => dataType(typeName(index), type<string>()))
  const steps = random.steps.map((each, index) => {
    const typed = each.ports.map(({ from, kind }, port) => {
      const source = 'leaf' in from ? leaves[from.leaf]! : types[from.step]!
      return [`p${port}`, kind === 'optional' ? optional(source) : source] as const
    })
    const run = (inputs: Readonly<Record<string, unknown>>, context: StepContext): string | Promise<string> => {
      const { attempt, item, executionId } = context
      calls.push({ step: index, item, attempt, inputs, executionId })
      const value = valueText(index, inputs)
      const behaviour = behaviourOf(each, value)
      const end = (): string => {
        if (attempt > behaviour.failures) return value
        const error = errorOf(behaviour, `${stepName(index)} attempt ${attempt}`)
        thrown.set(value, [...(thrown.get(value) ?? []), error])
        throw error
      }
      if (behaviour.takes === 'sync') return end()
      const { takes, heeds } = behaviour
      return takes === 0
        ? Promise.resolve().then(end)
        : clock.sleep(takes, heeds ? context.signal : undefined).then(end)
    }
    return step({
      name: stepName(index),
      inputs: Object.fromEntries(typed),
      output: types[index]!,
      run: run as never,
      timeout: each.timeoutMs,
      persist: each.persist,
      concurrency: each.concurrency,
      retry:
        each.maxAttempts === 1 ? { maxAttempts: 1 } : { maxAttempts: each.maxAttempts, backoff: fixed(each.backoffMs) },
      ...(each.fallback === 'none'
        ? {}
        : { fallback: (each.fallback === 'value' ? fallbackText(index) : async () => fallbackText(index)) as never }),
    })
  })
  const graph = untypedGraph({ name: uniqueName('random'), steps })
  return { graph, target: types.at(-1)!, calls, thrown }
}

export const fallbackText = (step: number): string => `${typeName(step)} fell back`

function errorOf({ throws }: Behaviour, message: string): unknown {
  if (throws === 'text') return message
  if (throws === 'undefined') return undefined
  if (throws === 'nonRetryable') return new Error(message, { cause: new NonRetryableError() })
  return throws === 'abort' ? new AbortExecutionError(message) : new Error(message)
}
