import type { AnyDataType } from '../core/language/data-type.ts'
import { isEventStep } from '../core/language/event.ts'
import { isValueStep } from '../core/language/value.ts'
import type { InputIssue } from '../core/errors.ts'
import { printable } from '../core/graph/explained-plan.ts'
import type { ExplainedPlan, ExplainedStep } from '../core/graph/explained-plan.ts'
import type { Explain } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { isSubgraph } from '../core/graph/nested-graph.ts'
import { isRace, planOf } from '../core/graph/plan.ts'
import type { Plan, PlanStep } from '../core/graph/plan.ts'
import { checkValue } from './inputs/check-value.ts'
import { resultKeyOf } from './results/claim.ts'
import { fullClockOf } from './environment/clock.ts'
import type { Clock } from './environment/clock.ts'
import { requestDigestOf } from './results/execution-memory.ts'
import { checkExecuteOptions } from './execution/execution-options.ts'
import type { Overriding } from './execution/execution-options.ts'
import { drawnArgsFor } from './inputs/drawn-args.ts'
import { isLeafOf, isRequiredOf, inputErrorOf, readOverrides, unknownKeyText } from './inputs/given-inputs.ts'
import { readRecord } from './inputs/input-record.ts'
import { processCache } from './results/result-cache.ts'
import { inputsOf } from './steps/step-inputs.ts'
import { isPromise } from '../core/own-promise.ts'

/** How `explain` looks. */
export interface ExplainOptions {
  /** The execution whose results of scope 'execution' count. @default none */
  readonly id?: string | undefined
  /** Time, by which remembered results expire. @default the system's */
  readonly clock?: Clock | undefined
}

/**
 * Shows what `execute` would do with these inputs, without doing it: the steps in topological order with levels and edges,
 * what this process remembers already, and what is missing.
 *
 * @throws GraphError for an unknown target, OptionError for a wrong option
 * @throws InputError when `inputs` is not a plain object, or has a type that a step makes, and for an unknown override
 */
export const explain = ((
  graph: AnyGraph,
  target: AnyDataType,
  inputs: unknown = {},
  options: ExplainOptions & Overriding = {},
): ExplainedPlan => {
  checkExecuteOptions('explain', options, ['id', 'clock', 'overrides'])
  const plain = planOf(graph, target)
  const issues: InputIssue[] = []
  const overrides = readOverrides(plain, options.overrides, issues)
  const read = readRecord(inputs, '', (key) => isRequiredOf(plain, key))
  if (read.problem !== undefined) issues.push({ message: `inputs must be ${read.problem}`, path: [] })
  const record = read.problem === undefined ? read.values : new Map<string, unknown>()
  for (const key of record.keys())
    if (producerIn(plain, key) !== undefined) issues.push({ message: unknownKeyText(plain, key), path: [key] })
  if (issues.length > 0) throw inputErrorOf(plain, issues)
  const plan = overrides.size === 0 ? plain : planOf(graph, target, new Set(overrides.keys()))
  const given = new Map([...drawnArgsFor(graph, target), ...record, ...overrides])
  const levels: string[][] = []
  for (const { level, spec } of plan.steps) (levels[level] ??= []).push(spec.name)
  const leaves = plan.leaves.map(({ type, isRequired }) => ({
    type: type.name,
    isGiven: given.has(type.name),
    isRequired,
    overrides: producerIn(plain, type.name)?.spec.name,
    isSensitive: type.isSensitive === true,
  }))
  return printable({
    graph: graph.name,
    target: target.name,
    steps: explainSteps(plan, given, options),
    levels,
    edges: plan.steps.flatMap((step) =>
      [...new Set(portsOf(step).map((port) => port.type))].map((type) => ({
        from: producerIn(plan, type)?.spec.name ?? type,
        to: step.spec.name,
        type,
      })),
    ),
    leaves,
    missing: leaves.filter((leaf) => leaf.isRequired && !leaf.isGiven).map((leaf) => leaf.type),
    unknown: [...record.keys()].filter((key) => !isLeafOf(plain, key)),
  })
}) as unknown as Explain<ExplainOptions>

function producerIn(plan: Plan, type: string): PlanStep | undefined {
  return plan.steps[plan.producers[plan.slots.get(type) ?? -1] ?? -1]
}

/** What a step takes in this plan: of a race that an override decides, that port alone. */
function portsOf({ spec, portNames }: PlanStep): PlanStep['spec']['ports'] {
  return spec.ports.filter(({ name }) => portNames.includes(name))
}

function explainSteps(
  plan: Plan,
  inputs: ReadonlyMap<string, unknown>,
  { id, clock }: ExplainOptions,
): readonly ExplainedStep[] {
  const now = fullClockOf(clock).lifetime()
  // What is known of each slot without running anything.
  const values: unknown[] = []
  const known: boolean[] = []
  const blocked: boolean[] = []
  for (const { slot, type, isRequired } of plan.leaves) {
    const value = inputs.get(type.name)
    const isGiven = inputs.has(type.name)
    blocked[slot] = !isGiven && isRequired
    const checked = isGiven ? checkValue(type, value) : { value }
    known[slot] = !blocked[slot] && !isPromise(checked) && checked.issues === undefined
    if (!isPromise(checked) && checked.issues === undefined) values[slot] = checked.value
  }
  const execution = { id: id ?? '', setup: { requestDigest: requestDigestOrNothing(plan, inputs) } }
  return plan.steps.map((step) => {
    const { spec, portSlots, outputSlot, level } = step
    blocked[outputSlot] = isRace(step)
      ? portSlots.every((slot) => blocked[slot])
      : portSlots.some((slot, port) => blocked[slot] && spec.ports[port]!.kind !== 'optional')
    const remembers = spec.persist?.scope === 'global' || (spec.persist?.scope === 'execution' && id !== undefined)
    // A result of scope 'execution' is found by its step alone.
    const canLook = remembers && (spec.persist?.scope === 'execution' || portSlots.every((slot) => known[slot]))
    const kept = canLook && !blocked[outputSlot] ? keptResult(plan, step, values, execution, now) : undefined
    const found = kept ?? constantOf(spec)
    known[outputSlot] = found !== undefined
    if (found !== undefined) values[outputSlot] = found.value
    const will = blocked[outputSlot]
      ? 'blocked'
      : kept !== undefined
        ? 'cached'
        : remembers && !canLook
          ? 'unknown'
          : 'run'
    return {
      name: spec.name,
      kind: spec.kind,
      ...(isSubgraph(spec.step) && {
        subgraph: { graph: spec.step.graph.name, target: spec.step.target.name },
      }),
      ...(isEventStep(spec.step) && {
        event: { event: spec.step.event.name, scope: spec.step.event.broadcast.scope },
      }),
      isConditional: spec.when !== undefined,
      output: spec.output.name,
      inputs: portsOf(step).map(({ name, type, kind }) => ({ port: name, type, kind })),
      level,
      will,
      isUndoable: spec.compensate !== undefined,
      isSensitive: spec.output.isSensitive === true,
    }
  })
}

/** The value of a step that has it from its declaration, where it is known at once. */
function constantOf({ step, output }: PlanStep['spec']): { readonly value: unknown } | undefined {
  if (!isValueStep(step)) return undefined
  const checked = checkValue(output, step.value)
  return isPromise(checked) || checked.issues !== undefined ? undefined : checked
}

/** Digest of the target and inputs; empty where an input has no canonical form, which `execute` will report. */
function requestDigestOrNothing(plan: Plan, inputs: ReadonlyMap<string, unknown>): string {
  try {
    return plan.hasExecutionScope
      ? requestDigestOf(
          plan,
          plan.leaves.map(({ type }) => inputs.get(type.name)),
        )
      : ''
  } catch {
    return ''
  }
}

function keptResult(
  plan: Plan,
  step: PlanStep,
  values: readonly unknown[],
  execution: { readonly id: string; readonly setup: { readonly requestDigest: string } },
  now: number,
): { readonly value: unknown } | undefined {
  try {
    const persist = step.spec.persist!
    const inputs = inputsOf(plan, step, values)
    for (const family of [persist.family, ...(persist.former?.families ?? [])]) {
      const kept = processCache.peek({ family }, resultKeyOf(persist, inputs, execution, family), now)
      if (kept !== undefined) return kept
    }
    return undefined
  } catch {
    // No key, no remembered result: `execute` will say why.
    return undefined
  }
}
