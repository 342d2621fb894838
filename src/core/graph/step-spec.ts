import { typeOfPort } from './check-step.ts'
import { durationMs } from '../duration.ts'
import type { AnyGraph, PersistSpec, StepDefaults, StepSpec } from './graph-index.ts'
import { resultKeyHead } from '../values/keys.ts'
import type { PersistPolicy, PersistScope } from '../language/policy.ts'
import type { AnyStep } from '../language/step.ts'

const defaultCapacity = 10_000
const noDefaults: StepDefaults = {}

/** A checked step with its graph's defaults applied and its durations as numbers. */
export function specOf(step: AnyStep, graph: AnyGraph): StepSpec {
  // What stands in the declaration needs no second attempt, and is there without being remembered.
  const defaults = step.kind === 'value' ? noDefaults : graph.defaults
  const timeout = step.timeout ?? defaults.timeout
  const retry = step.retry ?? defaults.retry
  const persist = step.persist ?? defaults.persist
  const concurrency = step.concurrency ?? defaults.concurrency
  const backoff = retry?.backoff
  const ports = Object.entries(step.inputs).map(([name, port]) => ({
    name,
    type: typeOfPort(port).name,
    kind: port.kind === 'dataType' ? ('plain' as const) : port.kind,
  }))
  return Object.freeze({
    step,
    kind: step.kind,
    name: step.name,
    output: step.output,
    ports,
    takesAll: ports.some((port) => port.kind === 'all'),
    run: step.run as StepSpec['run'],
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
    maxAttempts: retry?.maxAttempts ?? 1,
    backoff: backoff === undefined || typeof backoff === 'function' ? backoff : () => backoff,
    retryIf: retry?.retryIf,
    persist: persist === undefined ? undefined : persistSpecOf(persist, step, graph.name),
    version: step.version === undefined ? '' : String(step.version),
    concurrency:
      concurrency === undefined
        ? undefined
        : typeof concurrency === 'number'
          ? { limit: concurrency, key: undefined }
          : { limit: concurrency.limit, key: concurrency.key as ((inputs: unknown) => string) | undefined },
    fallback: 'fallback' in step && step.fallback !== undefined ? { value: step.fallback } : undefined,
  })
}

/** A policy with its defaults filled in, for one step of one graph. */
export function persistSpecOf(persist: PersistScope | PersistPolicy, step: AnyStep, graphName: string): PersistSpec {
  const policy: PersistPolicy = typeof persist === 'string' ? { scope: persist } : persist
  const namespace = policy.namespace ?? graphName
  return {
    scope: policy.scope,
    ttlMs: policy.ttl === undefined ? undefined : durationMs(policy.ttl),
    namespace,
    capacity: policy.capacity ?? defaultCapacity,
    store: policy.store,
    onStoreError: policy.onStoreError ?? 'fail',
    family: resultKeyHead({
      scope: policy.scope,
      namespace,
      step: step.name,
      version: step.version,
      output: step.output.name,
      outputVersion: step.output.version,
    }),
  }
}
