import { describe, reportUnknownKeys } from '../check-options.ts'
import { didYouMean } from '../closest-name.ts'
import type { GraphProblem } from '../errors.ts'
import { checkPolicies, problemOfDataType } from '../graph/check-step.ts'
import type { Drawing, DrawnPolicies } from '../graph/drawing.ts'
import { isRecord } from '../is-record.ts'
import { backoffOfShape } from '../language/backoff.ts'
import type { BackoffShape } from '../language/backoff.ts'
import type { AnyDataType, AnyPort } from '../language/data-type.ts'
import type { PersistPolicy, RetryPolicy } from '../language/policy.ts'
import type { AnyStep } from '../language/step.ts'
import { shorten } from '../shorten.ts'

/** Steps by the names that drawings know them by. */
export interface KnownSteps {
  readonly names: Iterable<string>
  of(name: string): AnyStep | undefined
}

export type ReportProblem = (kind: GraphProblem['kind'], message: string, step?: string) => void

/** The name of the data type that has the results of all nodes. */
export const resultsName = 'results'

const policyKeys = ['timeout', 'retry', 'persist', 'concurrency']
const placementKeys = ['queue', 'priority', 'startAt']
const drawingKeys = ['version', 'name', 'nodes', 'timeout', 'defaults', 'part', ...placementKeys]
const nodeKeys = ['name', 'step', 'dependsOn', 'reads', ...policyKeys, 'rate', ...placementKeys]
export const workflowOptions: readonly string[] = ['timeout', 'defaults', ...placementKeys]
export const nodeOptions: readonly string[] = ['dependsOn', 'reads', ...policyKeys, 'rate', ...placementKeys]
const persistKeys = ['scope', 'ttl', 'namespace', 'capacity', 'onStoreError']
const backoffKeys = ['exponential', 'factor', 'max', 'jitter']
/** What a node's name may not end with: the compiled graph has types of these names beside it. */
const reservedEnds = ['.args', '.start']
/** The last millisecond that a Date can be. */
const lastTime = 8.64e15

/** Reports everything that is wrong with a drawing, wherever it comes from: it may be anything. Cycles are found where its nodes are put in order. */
export function checkDrawing(drawing: unknown, steps: KnownSteps, report: ReportProblem): drawing is Drawing {
  if (!isRecord(drawing) || drawing['version'] !== 1) {
    const found = isRecord(drawing) ? `its version is ${describe(drawing['version'])}` : `it is ${describe(drawing)}`
    report('bad-declaration', `the drawing can't be read by this version of docket, which knows version 1: ${found}`)
    return false
  }
  const { name, nodes, part } = drawing
  const bad = (message: string): void => report('bad-option', message)
  const problem = problemOfName(name)
  if (problem !== undefined) report('bad-declaration', `the workflow ${problem}`)
  reportUnknownKeys('the workflow', drawing, drawingKeys, bad, workflowOptions)
  const { timeout, defaults } = drawing
  if (timeout !== undefined) checkPolicies('the workflow', { timeout }, bad)
  if (defaults !== undefined && !isRecord(defaults))
    bad(`the workflow: defaults must be an object, not ${describe(defaults)}`)
  else if (defaults !== undefined) {
    reportUnknownKeys('the workflow: defaults', defaults, policyKeys, bad)
    checkDrawnPolicies('the workflow: defaults', defaults, bad)
  }
  checkPlacement('the workflow', drawing, bad)
  if (part !== undefined && typeof part !== 'string')
    bad(`the workflow: part must be the name of a node, not ${describe(part)}`)
  if (!Array.isArray(nodes)) {
    report('bad-declaration', `the workflow: nodes must be an array, not ${describe(nodes)}`)
    return false
  }
  if (nodes.length === 0) report('empty', 'the workflow has no nodes; add at least one')
  const named = new Map<string, unknown>()
  for (const node of nodes as readonly unknown[]) {
    const one = isRecord(node) ? node['name'] : undefined
    if (typeof one !== 'string') continue
    if (named.has(one))
      report('duplicate-step', `two nodes are named "${shorten(one)}"; give each a name of its own`, one)
    named.set(one, node)
  }
  for (const [index, node] of (nodes as readonly unknown[]).entries()) checkNode(node, index, named, steps, report)
  return true
}

function checkNode(
  node: unknown,
  index: number,
  named: ReadonlyMap<string, unknown>,
  steps: KnownSteps,
  report: ReportProblem,
): void {
  if (!isRecord(node)) {
    report('bad-declaration', `nodes[${index}] must be an object, not ${describe(node)}`)
    return
  }
  const { name, step } = node
  const problem = problemOfName(name) ?? problemOfNodeName(name as string)
  const label = typeof name === 'string' && name !== '' ? `node "${shorten(name)}"` : `nodes[${index}]`
  const of = typeof name === 'string' ? name : undefined
  if (problem !== undefined) report('bad-declaration', `${label} ${problem}`, of)
  const bad = (message: string): void => report('bad-option', message, of)
  reportUnknownKeys(label, node, nodeKeys, bad, nodeOptions)
  checkDrawnPolicies(label, node, bad)
  checkPlacement(label, node, bad)
  const dependsOn = checkDependencies(label, node['dependsOn'], named, report, of)
  if (typeof step !== 'string')
    report('bad-declaration', `${label}: its step must be the name of one, not ${describe(step)}`, of)
  const known = typeof step === 'string' ? steps.of(step) : undefined
  if (typeof step === 'string' && known === undefined) {
    const hint = didYouMean(step, steps.names) || `; known are ${[...steps.names].slice(0, 20).join(', ') || 'none'}`
    report(
      'unknown-step',
      `${label} stands for step "${shorten(step)}", which is not known here${hint}; list it in createDocket({ steps })`,
      of,
    )
  }
  if (known !== undefined && checkDrawable(label, known, (message) => report('bad-declaration', message, of)))
    checkReads(label, node['reads'], known, { dependsOn, named, steps }, bad)
}

function problemOfName(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return `has no name; a name is a non-empty string, not ${describe(name)}`
  return name.startsWith('$') ? 'has a name that begins with "$", which is reserved: choose another' : undefined
}

function problemOfNodeName(name: string): string | undefined {
  if (name === resultsName) return 'has the name of the record of all results: choose another'
  if (name === '__proto__') return 'has a name that no record can have as a key: choose another'
  const end = reservedEnds.find((one) => name.endsWith(one))
  return end === undefined ? undefined : `has a name that ends with "${end}", which is reserved: choose another`
}

/** Reports policies that are wrong; all of them are data. */
function checkDrawnPolicies(
  label: string,
  given: Readonly<Record<string, unknown>>,
  report: (message: string) => void,
): void {
  const { retry, persist, concurrency, rate } = given
  const backoff = isRecord(retry) ? retry['backoff'] : undefined
  if (isRecord(backoff)) reportUnknownKeys(`${label}: retry.backoff`, backoff, backoffKeys, report)
  if (isRecord(persist)) reportUnknownKeys(`${label}: persist`, persist, persistKeys, report)
  for (const [name, limit] of Object.entries({ concurrency, rate }))
    if (isRecord(limit) && limit['key'] !== undefined)
      report(`${label}: ${name}.key is a function, and a drawing is data: state it on the step itself`)
  checkPolicies(label, { ...policiesOf(given as DrawnPolicies), rate }, report)
}

/** Policies as a step has them. */
export function policiesOf({ timeout, retry, persist, concurrency }: DrawnPolicies): {
  readonly timeout: AnyStep['timeout']
  readonly retry: RetryPolicy | undefined
  readonly persist: 'execution' | 'global' | PersistPolicy | undefined
  readonly concurrency: AnyStep['concurrency']
} {
  // What is no record is reported as it is.
  const backoff: BackoffShape | undefined = isRecord(retry) ? retry.backoff : undefined
  return {
    timeout,
    retry: backoff === undefined ? (retry as RetryPolicy | undefined) : { ...retry, backoff: backoffOfShape(backoff) },
    persist,
    concurrency,
  }
}

function checkPlacement(
  label: string,
  { queue, priority, startAt }: Readonly<Record<string, unknown>>,
  report: (message: string) => void,
): void {
  if (queue !== undefined && (typeof queue !== 'string' || queue === ''))
    report(`${label}: queue must be a non-empty string, not ${describe(queue)}`)
  if (priority !== undefined && !Number.isSafeInteger(priority))
    report(`${label}: priority must be a whole number, the higher the earlier, not ${describe(priority)}`)
  if (startAt !== undefined && !(typeof startAt === 'number' && Math.abs(startAt) <= lastTime))
    report(`${label}: startAt must be a Date, or milliseconds since the epoch, not ${describe(startAt)}`)
}

function checkDependencies(
  label: string,
  given: unknown,
  named: ReadonlyMap<string, unknown>,
  report: ReportProblem,
  of: string | undefined,
): ReadonlySet<string> {
  const found = new Set<string>()
  if (given === undefined) return found
  if (!Array.isArray(given)) {
    report('bad-option', `${label}: dependsOn must be an array of names of nodes, not ${describe(given)}`, of)
    return found
  }
  for (const one of given as readonly unknown[]) {
    if (typeof one !== 'string')
      report('bad-option', `${label}: dependsOn must be an array of names of nodes, and has ${describe(one)} in it`, of)
    else if (!named.has(one)) {
      const hint =
        didYouMean(one, named.keys()) ||
        `; there are: ${
          [...named.keys()]
            .filter((name) => name !== of)
            .slice(0, 20)
            .join(', ') || 'none before it'
        }`
      report('missing-producer', `${label} depends on "${shorten(one)}", and there is no node of this name${hint}`, of)
    } else if (found.has(one)) report('bad-option', `${label}: dependsOn names "${one}" twice`, of)
    else found.add(one)
  }
  return found
}

/** Whether a step can stand in a workflow at all. */
function checkDrawable(label: string, step: unknown, bad: (message: string) => void): step is AnyStep {
  if (!isRecord(step) || typeof step['name'] !== 'string' || typeof step['kind'] !== 'string') {
    bad(`${label}: what it stands for is not a step; make one with step({ name, inputs, output, run })`)
    return false
  }
  const { kind, name, inputs, output } = step
  if (kind !== 'step') {
    bad(`${label}: step "${name}" is a ${kind}; a workflow is made of functions, which step() declares`)
    return false
  }
  // What else is wrong with the step is reported where the graph is made of it.
  if (!isRecord(inputs) || problemOfDataType(output) !== undefined) {
    bad(`${label}: step "${name}" has no output that is a data type, or inputs that are not an object of data types`)
    return false
  }
  for (const [port, value] of Object.entries(inputs) as [string, AnyPort][]) {
    if (!isRecord(value) || problemOfDataType(value.kind === 'dataType' ? value : value.type) !== undefined)
      bad(`${label}: the input "${port}" of step "${name}" is not a data type; make one with dataType(name, schema)`)
    else if (value.kind === 'all')
      bad(`${label}: the input "${port}" of step "${name}" takes all items of a batch, which a workflow does not give`)
  }
  if (step['when'] !== undefined)
    bad(
      `${label}: step "${name}" has a when; in a workflow every node runs: draw it only where it is needed, or decide in its function`,
    )
  return true
}

interface Around {
  readonly dependsOn: ReadonlySet<string>
  readonly named: ReadonlyMap<string, unknown>
  readonly steps: KnownSteps
}

/** Each result that the step declares has to come from a node that this one depends on, and that makes the same type. */
function checkReads(
  label: string,
  given: unknown,
  { name, results = {} }: AnyStep,
  { dependsOn, named, steps }: Around,
  bad: (message: string) => void,
): void {
  if (!isRecord(results))
    return bad(`${label}: results of step "${name}" must be an object of data types, not ${describe(results)}`)
  if (given !== undefined && !isRecord(given))
    return bad(
      `${label}: reads must be an object of names of nodes by the results that step "${name}" declares, not ${describe(given)}`,
    )
  const reads = given ?? {}
  reportUnknownKeys(`${label}: reads`, reads, Object.keys(results), bad)
  const renamed = new Set(Object.values(reads))
  for (const [as, declared] of Object.entries(results)) {
    const from = Object.hasOwn(reads, as) ? reads[as] : as
    const problem = problemOfDataType(declared)
    if (problem !== undefined) bad(`${label}: the result "${as}" of step "${name}" ${problem}`)
    else if (typeof from !== 'string' || !dependsOn.has(from)) {
      const what = typeof from === 'string' ? `"${shorten(from)}"` : describe(from)
      bad(
        typeof from === 'string' && named.has(from)
          ? `${label}: step "${name}" reads the result of ${what}; add it to dependsOn`
          : `${label}: step "${name}" reads the result of ${what}, and the node depends on none of this name; say which one it is: reads: { ${as}: '…' }`,
      )
    } else {
      const made = outputOf(named.get(from), steps)
      if (made !== undefined && made !== declared.name)
        bad(`${label}: step "${name}" reads "${as}" as a "${declared.name}", and "${from}" makes a "${made}"`)
    }
    // Under its own name, another dependency would be hidden by it.
    if (from !== as && dependsOn.has(as) && !renamed.has(as))
      bad(
        `${label}: it reads "${String(from)}" as "${as}", and depends on another node of this name, whose result would be hidden; read that under another name too`,
      )
  }
}

/** The name of the type that a node's step declares. */
function outputOf(node: unknown, steps: KnownSteps): string | undefined {
  const step = isRecord(node) && typeof node['step'] === 'string' ? steps.of(node['step']) : undefined
  return isRecord(step) && isRecord(step.output) ? (step.output as AnyDataType).name : undefined
}
