import { typeOfPort } from './check-step.ts'
import { durationMs } from '../duration.ts'
import { formerNamesOf, formerNamesOfStep } from './former-names.ts'
import type {
  AnyGraph,
  CompensateSpec,
  ConcurrencySpec,
  FormerResults,
  PersistSpec,
  RateSpec,
  StepDefaults,
  StepSpec,
  Tries,
} from './graph-index.ts'
import { resultKeyHead } from '../values/keys.ts'
import type { CompensatePolicy } from '../language/compensation.ts'
import { isScope, isShared } from '../language/policy.ts'
import type { PersistPolicy, PersistScope, RetryPolicy } from '../language/policy.ts'
import { passesOn } from '../language/race.ts'
import type { AnyStep } from '../language/step.ts'

const defaultCapacity = 10_000
/** How long an attempt that still runs is waited for before what it did is undone. */
const defaultWaitMs = 10_000
const noDefaults: StepDefaults = {}
const nothing = Object.freeze([])
/** A machine is awake for moments only: what it invokes is bounded by what it is itself. What another service makes is bounded there. */
const waits: ReadonlySet<AnyStep['kind']> = new Set<AnyStep['kind']>(['timer', 'signal', 'event', 'machine', 'remote'])

/** A checked step with its graph's defaults applied and its durations as numbers. */
export function specOf(step: AnyStep, graph: AnyGraph): StepSpec {
  const defaults = defaultsOf(step, graph)
  const timeout = step.timeout ?? defaults.timeout
  const retry = step.retry ?? defaults.retry
  const compensate = compensateSpecOf(step)
  const concurrency = concurrencySpecOf(step.concurrency ?? defaults.concurrency)
  const rate = rateSpecOf(step.rate)
  const sharesLimits = isShared(concurrency) || isShared(rate)
  const persist =
    step.persist ??
    (compensate === undefined ? defaults.persist : ofOneExecution(defaults.persist)) ??
    // The process that goes on with what was let in must know what has come of it.
    (sharesLimits ? 'execution' : undefined)
  const ports = Object.entries(step.inputs).map(([name, port]) => ({
    name,
    type: typeOfPort(port).name,
    kind: port.kind === 'dataType' ? ('plain' as const) : port.kind,
  }))
  return Object.freeze({
    step,
    limited: step.origin ?? step,
    kind: step.kind,
    name: step.name,
    firstName: formerNamesOfStep(step).at(-1) ?? step.name,
    output: step.output,
    ports,
    takesAll: ports.some((port) => port.kind === 'all'),
    run: step.run as StepSpec['run'],
    passesOn: passesOn(step),
    when: step.when as StepSpec['when'],
    receives: step.receives ?? nothing,
    publishes: step.publishes ?? nothing,
    isWait: waits.has(step.kind),
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
    ...triesOf(retry),
    persist: persist === undefined ? undefined : persistSpecOf(persist, step, graph),
    version: step.version === undefined ? '' : String(step.version),
    concurrency,
    rate,
    isLimited: concurrency !== undefined || rate !== undefined,
    sharesLimits,
    fallback: 'fallback' in step && step.fallback !== undefined ? { value: step.fallback } : undefined,
    compensate,
  })
}

function concurrencySpecOf(concurrency: AnyStep['concurrency']): ConcurrencySpec | undefined {
  if (concurrency === undefined) return undefined
  const {
    limit,
    key,
    scope = 'process',
    version = 0,
  } = typeof concurrency === 'number' ? { limit: concurrency } : concurrency
  return { limit, key: key as ConcurrencySpec['key'], scope, version }
}

function rateSpecOf(rate: AnyStep['rate']): RateSpec | undefined {
  if (rate === undefined) return undefined
  const { limit, per, burst = 1, key, scope = 'process', version = 0 } = rate
  return { limit, perMs: durationMs(per)!, burst, key: key as RateSpec['key'], scope, version }
}

/** The defaults are for functions, and results of races differ from one execution to the next. */
function defaultsOf(step: AnyStep, { defaults }: AnyGraph): StepDefaults {
  if (step.kind === 'step') return defaults
  if (step.kind !== 'race' || passesOn(step)) return noDefaults
  return isScope('global', defaults.persist) ? { ...defaults, persist: undefined } : defaults
}

/** Whether what the step ends with is part of its execution, and is on record in a docket whatever its policies say. */
export function isAlwaysRecorded({ kind, compensate }: Pick<StepSpec, 'kind' | 'compensate'>): boolean {
  return (kind !== 'step' && kind !== 'value') || compensate !== undefined
}

/** A retry policy with its defaults filled in. */
export function triesOf(retry: RetryPolicy | undefined): Tries {
  const backoff = retry?.backoff
  return {
    maxAttempts: retry?.maxAttempts ?? 1,
    backoff: backoff === undefined || typeof backoff === 'function' ? backoff : () => backoff,
    retryIf: retry?.retryIf,
  }
}

/** What an execution undoes is its own: no default of the graph hands it to others. */
function ofOneExecution(persist: StepDefaults['persist']): StepDefaults['persist'] {
  return isScope('global', persist) ? 'execution' : persist
}

function compensateSpecOf({ name, compensate }: AnyStep): CompensateSpec | undefined {
  if (compensate === undefined) return undefined
  const policy = (typeof compensate === 'function' ? { run: compensate } : compensate) as CompensatePolicy<
    unknown,
    unknown
  >
  const { run, retry, timeout, wait } = policy
  return {
    ...triesOf(retry),
    name,
    run: run as CompensateSpec['run'],
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
    waitMs: wait === undefined ? defaultWaitMs : durationMs(wait)!,
  }
}

/** A policy with its defaults filled in, for one step of one graph. */
export function persistSpecOf(
  persist: PersistScope | PersistPolicy,
  step: AnyStep,
  graph: Pick<AnyGraph, 'name' | 'formerly'>,
): PersistSpec {
  const policy: PersistPolicy = typeof persist === 'string' ? { scope: persist } : persist
  const namespace = policy.namespace ?? graph.name
  return {
    scope: policy.scope,
    ttlMs: policy.ttl === undefined ? undefined : durationMs(policy.ttl),
    namespace,
    capacity: policy.capacity ?? defaultCapacity,
    store: policy.store,
    onStoreError: policy.onStoreError ?? 'fail',
    family: familyOf(policy.scope, namespace, step),
    former: formerResultsOf(policy, step, graph),
  }
}

/** Under which head the results of a step are remembered, perhaps as it was called before. */
export function familyOf(
  scope: PersistScope,
  namespace: string,
  step: AnyStep,
  name = step.name,
  output = step.output.name,
): string {
  return resultKeyHead({
    scope,
    namespace,
    step: name,
    version: step.version,
    output,
    outputVersion: step.output.version,
  })
}

/** Every way in which namespace, step and type may have been called together. */
function formerResultsOf(
  { scope, namespace }: PersistPolicy,
  step: AnyStep,
  graph: Pick<AnyGraph, 'name' | 'formerly'>,
): FormerResults | undefined {
  const namespaces = namespace === undefined ? [graph.name, ...graph.formerly] : [namespace]
  const names = [step.name, ...formerNamesOf(step)]
  const outputs = [step.output.name, ...formerNamesOf(step.output)]
  const [, ...families] = namespaces.flatMap((space) =>
    names.flatMap((name) => outputs.map((output) => familyOf(scope, space, step, name, output))),
  )
  if (families.length === 0) return undefined
  return { families, firstNamespace: namespaces.at(-1)!, firstOutput: outputs.at(-1)! }
}
