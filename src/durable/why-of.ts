import { checkOptions, describe } from '../core/check-options.ts'
import { isName } from '../core/check-name.ts'
import { didYouMean } from '../core/closest-name.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { DocketContext } from './context/docket-context.ts'
import { itemInfos } from './item-infos.ts'
import { unrecordedStep } from './records/open-steps.ts'
import { whyFactsOf } from './why-facts-of.ts'
import { whyExecution } from './why/why-execution.ts'
import { infosOf } from './why/why-facts.ts'
import type { WhyFacts } from './why/why-facts.ts'
import { whyStep } from './why/why-step.ts'
import type { Why, WhyOptions } from './why/why.ts'

/** @throws OptionError with all problems */
export function checkWhy(step: unknown, options: unknown): void {
  checkOptions('why', options, ['item', 'live'], ({ item, live }) => [
    step !== undefined && !isName(step) && `step must be the name of a step, not ${describe(step)}`,
    item !== undefined && typeof item !== 'string' && `item must be the key of an item, not ${describe(item)}`,
    item !== undefined && step === undefined && 'item is of a step: name that too',
    live !== undefined &&
      typeof live !== 'boolean' &&
      durationMs(live) === undefined &&
      `live must be a boolean or a duration, not ${describe(live)}; ${durationHint}`,
  ])
}

/** Why a step, or the execution itself, is where it is. @throws ExecutionConflictError, OptionError, StoreError */
export async function whyOf(
  context: DocketContext,
  id: string,
  step: string | undefined,
  options: WhyOptions,
): Promise<Why> {
  const facts = await whyFactsOf(context, id, options)
  if (step === undefined) return whyExecution(facts)
  return whyOfStep(context, facts, step, options.item)
}

async function whyOfStep(
  context: DocketContext,
  facts: WhyFacts,
  step: string,
  item: string | undefined,
): Promise<Why> {
  const { details, record, plan } = facts
  const { id } = record
  if (item !== undefined && record.kind !== 'batch')
    throw new OptionError(`why: execution "${id}" is no batch, and has no items`, { executionId: id })
  const graph = context.graphOf(record)
  const name = (graph && requireIndex(graph).former?.steps.get(step)) ?? step
  const [known] = infosOf(facts, name, item)
  if (known !== undefined && (known.item === item || known.item === undefined)) return whyStep(facts, known)
  const index = graph && requireIndex(graph)
  const ofPlan = plan?.steps.some(({ spec }) => spec.name === name) === true
  if (ofPlan && record.kind === 'batch') {
    const infos = item === undefined ? [] : await itemInfos(context, facts, item)
    const more = { ...facts, details: { ...details, steps: [...details.steps, ...infos] } }
    const [found] = infosOf(more, name, item)
    return whyStep(more, found ?? { ...unrecordedStep(name, 'unknown', { kind: 'owner' }), item })
  }
  if (index?.specs.some((spec) => spec.name === name) === true) return notNeeded(facts, name)
  if (index === undefined)
    return {
      code: 'step.unknown',
      execution: id,
      step: name,
      status: 'unknown',
      text: `step "${name}" has no record, and this docket does not know graph "${record.graph}": it has not run, or there is no such step`,
    }
  const names = index.specs.map((spec) => spec.name)
  throw new OptionError(`why: graph "${record.graph}" has no step "${step}"${didYouMean(step, names)}`, {
    executionId: id,
    graph: record.graph,
  })
}

/** A step of the graph that is not in this execution's plan. */
function notNeeded({ record, details }: WhyFacts, step: string): Why {
  const overridden = Object.keys(details.overrides)
  const given = overridden.length === 0 ? '' : `, since values were given in overrides: ${overridden.join(', ')}`
  return {
    code: 'step.notNeeded',
    execution: record.id,
    step,
    status: 'unknown',
    text: `step "${step}" is not in the plan: "${record.target}" does not need it${given}`,
  }
}
