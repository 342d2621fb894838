import { problemsOfAnswers } from './check-answers.ts'
import { describe } from '../check-options.ts'
import { durationHint, durationMs } from '../duration.ts'
import type { AnyDataType, AnyPort } from '../language/data-type.ts'
import type { AnyStep } from '../language/step.ts'
import { isEventStep } from '../language/event.ts'
import type { AnyEventStep } from '../language/event.ts'
import { isMachineStep } from '../language/machine-step.ts'
import type { AnyMachineStep } from '../language/machine-step.ts'
import { isRemoteStep } from '../language/remote-step.ts'
import { isEventType, problemOfBroadcast } from '../language/event-type.ts'
import { isName } from '../check-name.ts'
import { isRecord } from '../is-record.ts'
import { isValueStep, problemsOfValue } from '../language/value.ts'
import { checkSubgraph, isSubgraph } from './nested-graph.ts'
import { problemOfWork } from './kind-works.ts'
import { isScope } from '../language/policy.ts'

type Kind = AnyStep['kind']
type Report = (message: string) => void

// What defineSteps, and the graph of a workflow, add to steps.
const added = ['needsApp', 'drawn', 'origin']
const everyStep = ['kind', 'name', 'inputs', 'output', 'run', ...added]
const policies = ['timeout', 'retry', 'persist', 'version', 'formerly', 'concurrency', 'when', 'fallback']

/** What a declaration of each kind of step may hold. */
const options: Readonly<Record<Kind, readonly string[]>> = {
  step: [...everyStep, ...policies, 'rate', 'compensate', 'results', 'queue'],
  value: [...everyStep, 'value'],
  race: [...everyStep, ...policies],
  signal: [...everyStep, 'timeout', 'when', 'fallback'],
  event: [...everyStep, 'event', 'key', 'timeout', 'when', 'fallback'],
  timer: [...everyStep, 'after', 'at', 'value', 'timeout', 'formerly', 'when', 'fallback'],
  subgraph: [
    ...everyStep,
    'graph',
    'target',
    'renames',
    'timeout',
    'retry',
    'formerly',
    'when',
    'fallback',
    'compensate',
    'queue',
    'onWorkerLoss',
  ],
  machine: [
    ...everyStep,
    'machine',
    'input',
    'events',
    'answers',
    'receives',
    'timeout',
    'version',
    'migrate',
    'restartable',
    'formerly',
    'when',
    'fallback',
    'compensate',
  ],
  durable: [...everyStep, 'receives', 'publishes', 'timeout', 'retry', 'formerly', 'when', 'fallback', 'compensate'],
  remote: [
    ...everyStep,
    'operation',
    'calls',
    'pauses',
    'receives',
    'timeout',
    'formerly',
    'when',
    'fallback',
    'compensate',
    'problems',
  ],
}

/** What the functions that make steps add to what they are given. */
const made: Readonly<Record<Kind, readonly string[]>> = {
  step: ['kind'],
  value: everyStep,
  race: ['kind'],
  signal: ['kind', 'name', 'output', 'run'],
  event: ['kind', 'name', 'run', 'event'],
  timer: ['kind', 'run'],
  subgraph: ['kind', 'run', 'graph', 'target', 'renames'],
  machine: ['kind', 'run', 'receives'],
  durable: ['kind'],
  remote: ['kind', 'inputs', 'output', 'run', 'operation', 'calls', 'pauses', 'receives', 'problems'],
}

/** Whether something is the name of a kind of step. */
export function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(options, kind)
}

/** The names of the options that a kind of step knows. */
export function optionsOf(kind: Kind): readonly string[] {
  return options[kind]
}

/** Those of them that a declaration of the kind is given; the others are made of these. */
export function givenOptionsOf(kind: Kind): readonly string[] {
  return options[kind].filter((name) => !made[kind].includes(name) && !added.includes(name))
}

/** Reports what only a step of its kind can have wrong; what holds for all steps is known to be right as far as they can be indexed. */
export function checkKind(label: string, step: AnyStep, bad: Report, badOption: Report): void {
  if (isValueStep(step)) {
    for (const problem of problemsOfValue(step.output, step.value))
      bad(`${label}: its value does not fit its type: ${problem}`)
  }
  if (step.when !== undefined && typeof step.when !== 'function')
    badOption(`${label}: when must be a function of the inputs, not ${describe(step.when)}`)
  if (step.results !== undefined)
    bad(
      `${label} reads results of nodes by name (${Object.keys(step.results).join(', ') || 'none'}), which a workflow alone gives: draw it with workflow(name).add(…), or take what it needs as inputs`,
    )
  const missing = problemOfWork(step.kind)
  if (missing !== undefined) bad(`${label} ${missing}`)
  checkPlace(label, step, bad, badOption)
  if (step.kind === 'timer') checkTimer(label, step, bad, badOption)
  if (isEventStep(step)) checkEvent(label, step, bad)
  if (isSubgraph(step)) checkSubgraph(label, step, bad)
  if (isMachineStep(step)) checkMachine(label, step, bad, badOption)
  if (isRemoteStep(step)) for (const problem of step.problems) badOption(`${label}: ${problem}`)
  if (step.kind === 'race') checkRace(label, step, bad, badOption)
}

/** Where a step runs, and what becomes of it when that place is lost. */
function checkPlace(label: string, step: AnyStep, bad: Report, badOption: Report): void {
  const { queue, inputs } = step
  if (queue !== undefined && !isName(queue))
    badOption(`${label}: queue must be a non-empty string, not ${describe(queue)}`)
  const all = Object.entries(inputs).find(([, port]) => port.kind === 'all')
  if (queue !== undefined && step.kind === 'step' && all !== undefined)
    bad(
      `${label}: its input "${all[0]}" takes all items of a batch, which a step with a queue can't: leave out queue, or take what another step makes of them`,
    )
  const { onWorkerLoss } = step as AnyStep & { readonly onWorkerLoss?: unknown }
  if (onWorkerLoss !== undefined && onWorkerLoss !== 'restart' && onWorkerLoss !== 'fail')
    badOption(`${label}: onWorkerLoss must be 'restart' or 'fail', not ${describe(onWorkerLoss)}`)
}

function checkRace(label: string, { inputs, persist }: AnyStep, bad: Report, badOption: Report): void {
  const ports = Object.entries(inputs)
  if (ports.length < 2)
    bad(`${label} is a race of ${ports.length === 0 ? 'none' : 'one'}: give it at least two inputs, or make it a step`)
  const seen = new Map<string, string>()
  for (const [port, value] of ports) {
    if (value.kind !== 'dataType') {
      const type = value.type.name
      bad(
        value.kind === 'optional'
          ? `${label}: its input "${port}" is optional("${type}"), but a race goes on without an input that fails: take "${type}" as it is`
          : `${label}: its input "${port}" is all("${type}"), which waits for all items of a batch: a race can't take it; take the type that a step makes of them`,
      )
      continue
    }
    const other = seen.get(value.name)
    if (other === undefined) seen.set(value.name, port)
    else bad(`${label}: its inputs "${other}" and "${port}" are both "${value.name}"; each must be of another type`)
  }
  if (isScope('global', persist))
    badOption(
      `${label}: a race can't be persisted with scope 'global', since what comes first differs from one execution to the next; in a docket it is always persisted for its execution`,
    )
}

function checkTimer(label: string, step: AnyStep, bad: Report, badOption: Report): void {
  const { after, at } = step as AnyStep & { readonly after?: unknown; readonly at?: unknown }
  if (after !== undefined && at !== undefined) bad(`${label} has both after and at: a timer waits for one time`)
  if (after === undefined && at === undefined)
    bad(`${label} says neither after what time it fires nor at what time: give it after or at`)
  if (after !== undefined && typeof after !== 'function' && !isTooLong(after) && durationMs(after) === undefined)
    badOption(`${label}: after ${describe(after)} is neither a duration nor a function that makes one; ${durationHint}`)
  if (isTooLong(after)) badOption(`${label}: after ${describe(after)} is longer than dates reach`)
  if (at !== undefined && typeof at !== 'function')
    badOption(`${label}: at must be a function of the inputs that gives a Date, not ${describe(at)}`)
}

function checkMachine(
  label: string,
  { machine, input, events, answers, migrate, restartable }: AnyMachineStep,
  bad: Report,
  badOption: Report,
): void {
  const isMachine =
    isRecord(machine) && isRecord(machine.config) && isRecord(machine.implementations) && isFunction(machine.transition)
  if (!isMachine)
    bad(`${label}: its machine must be an XState machine, made by createMachine or setup, not ${describe(machine)}`)
  if (input !== undefined && !isFunction(input))
    badOption(`${label}: input must be a function of the inputs, not ${describe(input)}`)
  for (const problem of problemsOfAnswers(events, answers)) badOption(`${label}: ${problem}`)
  if (migrate !== undefined && !isFunction(migrate))
    badOption(`${label}: migrate must be a function (snapshot, { version }) => …, not ${describe(migrate)}`)
  if (
    restartable !== undefined &&
    !(Array.isArray(restartable) && restartable.every((name) => typeof name === 'string'))
  )
    badOption(`${label}: restartable must be an array of names of the machine's actors, not ${describe(restartable)}`)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function checkEvent(label: string, { event, key }: AnyEventStep, bad: Report): void {
  if (!isEventType(event))
    bad(`${label} waits for ${describeType(event)}, which is not an event type; make one with eventType(name, schema)`)
  else {
    const problem = problemOfBroadcast({ ...event })
    if (problem !== undefined) bad(`${label}: its event ${problem}`)
  }
  if (typeof key !== 'function')
    bad(`${label} has no key function, but ${describe(key)}: give it key, a function of the inputs that gives a string`)
}

function describeType(type: unknown): string {
  return isRecord(type) && type['kind'] === 'dataType' ? `the data type "${String(type['name'])}"` : describe(type)
}

/** The last millisecond that a Date can be. */
const lastTime = 8.64e15

function isTooLong(after: unknown): boolean {
  return (durationMs(after) ?? 0) > lastTime
}

/** Reports races between values that the caller gives: they are all there from the start. */
export function checkLeavesOfRaces(
  steps: readonly AnyStep[],
  producers: ReadonlyMap<string, AnyStep>,
  report: (message: string, step: string) => void,
): void {
  for (const { kind, name, inputs } of steps) {
    if (kind !== 'race') continue
    for (const [port, value] of Object.entries(inputs)) {
      const type = typeNameOf(value)
      if (producers.has(type)) continue
      report(
        `step "${name}": its input "${port}" takes "${type}", which no step produces; what callers give is there from the start and would always win: a race is between what steps make`,
        name,
      )
    }
  }
}

function typeNameOf(port: AnyPort): string {
  const type: AnyDataType = port.kind === 'dataType' ? port : port.type
  return type.name
}
