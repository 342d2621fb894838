import { problemsOfBackoff } from '../language/backoff.ts'
import type { AnyDataType, AnyPort } from '../language/data-type.ts'
import { isUpdateType } from '../language/update.ts'
import { isEventType, problemOfBroadcast } from '../language/event-type.ts'
import { describe, isWholeFromOne, reportUnknownKeys } from '../check-options.ts'
import { durationHint, durationMs } from '../duration.ts'
import { checkCompensation } from './check-compensation.ts'
import { checkPublished, checkReceived } from './check-receives.ts'
import type { GraphProblem } from '../errors.ts'
import { isRecord } from '../is-record.ts'
import type { StepDefaults } from './graph-index.ts'
import type { Backoff } from '../language/policy.ts'
import type { AnyStep } from '../language/step.ts'
import { checkConcurrency, checkRate } from './check-limits.ts'
import { checkKind, givenOptionsOf, isKind, optionsOf } from './check-kind.ts'

type Report = (kind: GraphProblem['kind'], message: string, step?: string) => void

const dataTypeKeys = ['kind', 'name', 'schema', 'version', 'formerly', 'isSensitive', 'broadcast', 'result', 'validate']
const retryKeys = ['maxAttempts', 'backoff', 'retryIf']
const whereBackoffGoes = "those of the wait belong to backoff: exponential('1s', { factor: 2, max: '30s', jitter: 1 })"
const persistKeys = ['scope', 'ttl', 'namespace', 'capacity', 'store', 'onStoreError']
const defaultsKeys = ['timeout', 'retry', 'persist', 'concurrency']

/** Whether the value was made by `dataType` and can be used: a name, and a schema (or none) that can check. */
export function problemOfDataType(value: unknown): string | undefined {
  if (!isRecord(value) || value['kind'] !== 'dataType')
    return `is not a data type${butUndefined(value)}; make one with dataType(name, schema)`
  const { name, schema, version, isSensitive } = value
  if (typeof name !== 'string' || name === '') return 'is a data type without a name; a name is a non-empty string'
  // The names stand as keys in what is stored of an execution, beside marks that begin with one.
  if (name.startsWith('$'))
    return `is a data type named "${name}"; names that begin with "$" are reserved for what is stored beside values: choose another`
  const unknown = Object.keys(value).find((key) => !dataTypeKeys.includes(key))
  if (unknown !== undefined)
    return `"${name}" has the unknown option "${unknown}"; known are ${isEventType(value) ? 'scope, ttl, version and sensitive' : 'version, formerly and sensitive'}`
  const broadcastProblem = problemOfBroadcast(value)
  if (broadcastProblem !== undefined) return broadcastProblem
  const updateProblem = problemOfUpdate(value)
  if (updateProblem !== undefined) return updateProblem
  if (version !== undefined && typeof version !== 'string')
    return `"${name}" has a version that is not a string: ${describe(version)}`
  if (isSensitive !== undefined && typeof isSensitive !== 'boolean')
    return `"${name}" has sensitive that is neither true nor false: ${describe(isSensitive)}`
  if (schema === undefined) return undefined
  const standard =
    (typeof schema === 'object' && schema !== null) || typeof schema === 'function'
      ? Reflect.get(schema, '~standard')
      : undefined
  if (!isRecord(standard) || typeof standard['validate'] !== 'function') {
    return `"${name}" has a schema that is not a Standard Schema; use zod, valibot, arktype or type<T>()`
  }
  return undefined
}

function butUndefined(value: unknown): string {
  return value === undefined ? ', but undefined (is a name misspelt, or do two modules import each other?)' : ''
}

function problemOfUpdate({ name, result, validate }: Readonly<Record<string, unknown>>): string | undefined {
  if (result === undefined && validate === undefined) return undefined
  const problem = problemOfDataType(result)
  if (problem !== undefined) return `"${String(name)}" is an update whose output ${problem}`
  return validate === undefined || typeof validate === 'function'
    ? undefined
    : `"${String(name)}" is an update whose validate is not a function, but ${describe(validate)}`
}

/** Whether the value may stand in a step's `inputs`. */
function problemOfPort(value: unknown): string | undefined {
  if (!isMarked(value)) return problemOfReadType(value)
  return isMarked(value['type'])
    ? 'has optional or all around another of them: both take a data type'
    : problemOfReadType(value['type'])
}

function isMarked(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && (value['kind'] === 'optional' || value['kind'] === 'all')
}

/** Updates are no values of the graph: they are received. */
function problemOfReadType(value: unknown): string | undefined {
  const problem = problemOfDataType(value)
  if (problem !== undefined) return problem
  return isUpdateType(value as unknown as AnyDataType)
    ? `"${String(Reflect.get(value as object, 'name'))}" is an update: list it in the receives of a durable step, which takes it with ctx.receive, or in the events of a machine`
    : undefined
}

/** The data type that a port takes its value from. */
export function typeOfPort(port: AnyPort): AnyDataType {
  return port.kind === 'dataType' ? port : port.type
}

/** Reports everything that is wrong with one step's own declaration. Returns whether it can be indexed. */
export function checkStep(step: unknown, index: number, report: Report): step is AnyStep {
  if (!isRecord(step) || !isKind(step['kind'])) {
    const what = `is not a step${butUndefined(step)}; make one with step({ name, inputs, output, run })`
    report('bad-declaration', `steps[${index}] ${what}`)
    return false
  }
  const name = step['name']
  const isNamed = typeof name === 'string' && name !== ''
  const label = isNamed ? `step "${name}"` : `steps[${index}]`
  const stepName = isNamed ? name : undefined
  const bad = (message: string): void => report('bad-declaration', message, stepName)
  const badOption = (message: string): void => report('bad-option', message, stepName)
  let canIndex = true
  if (!isNamed) {
    bad(`${label} has no name; a name is a non-empty string`)
    canIndex = false
  } else if (name.startsWith('$')) {
    bad(`${label}: names that begin with "$" are reserved for what is stored beside steps: choose another`)
  }
  if (typeof step['run'] !== 'function') {
    bad(`${label} has no run function; run is ${describe(step['run'])}`)
    canIndex = false
  }
  const outputProblem = problemOfDataType(step['output'])
  if (outputProblem !== undefined) {
    bad(`${label}: its output ${outputProblem}`)
    canIndex = false
  }
  const inputs = step['inputs']
  if (isRecord(inputs) && inputs['kind'] === 'dataType') {
    bad(
      `${label}: inputs must be an object of named ports, like { value: ${String(inputs['name'])} }, not a data type itself`,
    )
    canIndex = false
  } else if (!isRecord(inputs)) {
    bad(`${label}: inputs must be an object of named ports, not ${describe(inputs)}`)
    canIndex = false
  } else {
    for (const [port, value] of Object.entries(inputs)) {
      const problem = problemOfPort(value)
      if (problem === undefined) continue
      bad(`${label}: its input "${port}" ${problem}`)
      canIndex = false
    }
  }
  for (const problem of [...checkReceived(step, problemOfDataType), ...checkPublished(step, problemOfDataType)]) {
    bad(`${label}: ${problem}`)
    canIndex = false
  }
  reportUnknownKeys(label, step, optionsOf(step['kind']), badOption, givenOptionsOf(step['kind']))
  if (canIndex) checkKind(label, step as unknown as AnyStep, bad, badOption)
  checkPolicies(label, step, badOption)
  checkCompensation(label, step, { checkTimeout, checkRetry }, badOption)
  const { version } = step
  if (
    version !== undefined &&
    typeof version !== 'string' &&
    !(typeof version === 'number' && Number.isFinite(version))
  ) {
    badOption(`${label}: version must be a string or a number, not ${describe(version)}`)
  }
  return canIndex
}

/** Reports everything that is wrong with a graph's `defaults`. */
export function checkDefaults(
  defaults: unknown,
  report: (message: string) => void,
): defaults is StepDefaults | undefined {
  if (defaults === undefined) return true
  if (!isRecord(defaults)) {
    report(`defaults must be an object, not ${describe(defaults)}`)
    return false
  }
  reportUnknownKeys('defaults', defaults, defaultsKeys, report)
  checkPolicies('defaults', defaults, report)
  return true
}

/** Reports what is wrong with timeout, retry, persist, concurrency and rate. */
export function checkPolicies(
  label: string,
  policies: Readonly<Record<string, unknown>>,
  report: (message: string) => void,
): void {
  const { timeout, retry, persist, concurrency, rate } = policies
  if (timeout !== undefined) checkTimeout(`${label}: timeout`, timeout, report)
  if (retry !== undefined) checkRetry(label, retry, report)
  if (persist !== undefined) checkPersist(label, persist, report)
  if (concurrency !== undefined) checkConcurrency(label, concurrency, report)
  if (rate !== undefined) checkRate(label, rate, report)
}

/** Reports a timeout that is not a duration above zero. */
export function checkTimeout(where: string, timeout: unknown, report: (message: string) => void): void {
  const ms = durationMs(timeout)
  if (ms === undefined) report(`${where} ${describe(timeout)} is not a duration; ${durationHint}`)
  else if (ms === 0) report(`${where} is 0: nothing could ever finish; leave it out for no timeout`)
}

/** Reports what is wrong with a policy of further attempts. */
export function checkRetry(label: string, retry: unknown, report: (message: string) => void): void {
  if (!isRecord(retry)) {
    report(`${label}: retry must be an object like { maxAttempts: 3 }, not ${describe(retry)}`)
    return
  }
  reportUnknownKeys(`${label}: retry`, retry, retryKeys, (message) =>
    report(/"(?:factor|jitter|max)"/.test(message) ? `${message}; ${whereBackoffGoes}` : message),
  )
  const { maxAttempts, backoff, retryIf } = retry
  if (
    maxAttempts !== undefined &&
    !(maxAttempts === Infinity || (Number.isInteger(maxAttempts) && (maxAttempts as number) >= 1))
  ) {
    report(
      `${label}: retry.maxAttempts must be a whole number of at least 1 (all attempts, the first included), not ${describe(maxAttempts)}`,
    )
  }
  if (typeof backoff === 'function') {
    for (const problem of problemsOfBackoff(backoff as Backoff)) report(`${label}: retry.backoff: ${problem}`)
  } else if (backoff !== undefined && durationMs(backoff) === undefined) {
    report(`${label}: retry.backoff ${describe(backoff)} is neither a function nor a duration; ${durationHint}`)
  }
  if (retryIf !== undefined && typeof retryIf !== 'function')
    report(`${label}: retry.retryIf must be a function, not ${describe(retryIf)}`)
  if ((maxAttempts === undefined || maxAttempts === 1) && (backoff !== undefined || retryIf !== undefined)) {
    report(
      `${label}: retry has a ${backoff === undefined ? 'retryIf' : 'backoff'} but allows one attempt only; set maxAttempts to at least 2`,
    )
  }
}

/** Reports what is wrong with a policy of remembering. */
export function checkPersist(label: string, persist: unknown, report: (message: string) => void): void {
  if (persist === 'execution' || persist === 'global') return
  if (!isRecord(persist)) {
    report(`${label}: persist must be 'execution', 'global' or { scope, ttl }, not ${describe(persist)}`)
    return
  }
  reportUnknownKeys(`${label}: persist`, persist, persistKeys, report)
  const { scope, ttl, namespace, capacity, store, onStoreError } = persist
  if (scope !== 'execution' && scope !== 'global')
    report(`${label}: persist.scope must be 'execution' or 'global', not ${describe(scope)}`)
  if (ttl !== undefined) {
    const ms = durationMs(ttl)
    if (ms === undefined) report(`${label}: persist.ttl ${describe(ttl)} is not a duration; ${durationHint}`)
    else if (ms === 0)
      report(
        `${label}: persist.ttl is 0: nothing would be remembered; leave persist out, or leave ttl out to remember without limit`,
      )
  }
  if (namespace !== undefined && (typeof namespace !== 'string' || namespace === '')) {
    report(`${label}: persist.namespace must be a non-empty string, not ${describe(namespace)}`)
  }
  if (namespace !== undefined && scope === 'execution') {
    report(
      `${label}: persist.namespace shares results between graphs, but scope 'execution' shares none; use scope 'global' or leave namespace out`,
    )
  }
  if (capacity !== undefined && !isWholeFromOne(capacity))
    report(`${label}: persist.capacity must be a whole number of at least 1, not ${describe(capacity)}`)
  if (store !== undefined) {
    if (!isRecord(store) || typeof store['claimResults'] !== 'function')
      report(`${label}: persist.store must be a store, like redisStore(url), not ${describe(store)}`)
    if (scope === 'execution')
      report(
        `${label}: persist.store keeps global results; results of scope 'execution' are kept by the docket's store, beside their execution`,
      )
  }
  if (onStoreError !== undefined && onStoreError !== 'fail' && onStoreError !== 'run')
    report(`${label}: persist.onStoreError must be 'fail' or 'run', not ${describe(onStoreError)}`)
}
