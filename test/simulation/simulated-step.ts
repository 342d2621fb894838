import type { SimulatedLimits } from './limits.ts'
import type { SimulatedState } from './machine-model.ts'

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
  /** Whether it takes the first of its inputs, waits for so long, for somebody or for an event, has another graph make its value, is a durable function, or a machine. @default none of these */
  readonly kind?: 'race' | 'passing race' | 'timer' | 'signal' | 'event' | 'child' | 'function' | 'machine'
  readonly afterMs?: number
  /** Of a durable function: how many calls it makes, and how long it sleeps after the first. */
  readonly verbs?: {
    readonly length: number
    readonly sleepMs: number
    readonly event?: EventVerb | undefined
    readonly more?: MoreVerbs | undefined
  }
  /** The states of a machine. */
  readonly machine?: { readonly states: readonly SimulatedState[] }
  /** Which event is waited for; under the first letters of what its port is given, where there is no key. */
  readonly event?: { readonly type: number; readonly key: string | undefined }
  /** The graph of a child: its ports are the leaves that this one needs, `L0` the first. */
  readonly child?: SimulatedGraph
  /** Whether its values are checked after a while only. */
  readonly isCheckedSlowly?: boolean
  /** Whether its inputs decide whether it runs. */
  readonly hasCondition?: boolean
  /** How many of its attempts run, or begin, at the same time. @default any number */
  readonly limits?: SimulatedLimits | undefined
  /** The queue that it runs in, as an execution of its own. */
  readonly queue?: string | undefined
  /** Of a child: what becomes of it when its process is lost. */
  readonly onWorkerLoss?: 'restart' | 'fail' | undefined
  /** How long it says at times that another attempt can't help, and whether the one that says so counts. */
  readonly retryAfter?: { readonly ms: number; readonly counts: boolean } | undefined
}

/** What a durable function has to do with an event, after its first call: it waits for so long at the most. */
export interface EventVerb {
  readonly does: 'emit' | 'wait'
  readonly type: number
  readonly key: string
  readonly timeoutMs: number
}

/** What a durable function does besides. */
export interface MoreVerbs {
  /** An execution that it begins, and waits for: at once, or when it has done all else, if that is to be. */
  readonly child?:
    | {
        readonly graph: SimulatedGraph
        readonly waits: 'at once' | 'later' | 'never'
        readonly onParentEnd: 'leave' | 'cancel' | 'wait'
      }
    | undefined
  /** How long it waits for each of its messages; 0 for what is there, undefined for as long as it takes. */
  readonly receives: readonly (number | undefined)[]
  /** The same for each of its updates. */
  readonly requests?: readonly (number | undefined)[]
  /** Whether two parts of it run at the same time. */
  readonly hasBranches: boolean
  /** How often each of its calls is tried, and what it shows. */
  readonly attempts: number
  readonly publishes: boolean
  /** How often it begins anew. */
  readonly generations: number
}

/** A graph whose target is its last step. */
export interface SimulatedGraph {
  readonly name: string
  readonly leaves: number
  readonly steps: readonly SimulatedStep[]
  readonly timeoutMs: number | undefined
}

export const leafName = (graph: SimulatedGraph, leaf: number): string => `${graph.name}.L${leaf}`

export const shortName = ({ name }: SimulatedStep): string => name.slice(name.indexOf('.') + 1)

export const fromStep = (index: number): SimulatedPort['from'] => ({ step: index })
export const portOf = (from: SimulatedPort['from'], name: string): SimulatedPort => ({ name, from, isOptional: false })

/** What a step has that does nothing by itself. */
export const plainStep = {
  scope: 'execution',
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

/** Leaves that no step asks for may not be given. */
export function isNeeded({ steps }: SimulatedGraph, leaf: number): boolean {
  return steps.some(({ ports }) => ports.some(({ from }) => 'leaf' in from && from.leaf === leaf))
}
