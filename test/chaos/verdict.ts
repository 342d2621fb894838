import { createDocket } from '../../src/index.ts'
import type { ExecutionDetails } from '../../src/index.ts'
import { chaosGraphs, numbersOf, shapes } from './chaos-graphs.ts'
import type { ChaosGraph, ChaosShape, Mark } from './chaos-graphs.ts'
import type { LogLine } from './chaos-log.ts'
import { openStore } from './chaos-stores.ts'
import type { StoreUnderTest } from './chaos-stores.ts'
import { effectsOf } from './effects.ts'
import type { EffectCounts } from './effects.ts'
import type { StormOutcome } from './storm.ts'
import type { StartOrder } from './worker.ts'

/** What a storm did to the guarantees. */
export interface Verdict {
  readonly violations: readonly string[]
  readonly effects: EffectCounts
}

/** Looks from outside, through a store handle of its own, whether everything is as it was promised. */
export async function verdictOf(store: StoreUnderTest, outcome: StormOutcome): Promise<Verdict> {
  const violations = [...outcome.violations]
  const damage = store.check?.()
  if (damage !== undefined) violations.push(damage)
  const { lines } = outcome.log
  const { counts, violations: repeated } = effectsOf(lines, store.kind)
  violations.push(...repeated)

  const all = await readAll(store, outcome.orders)
  const results = resultsOf(lines)
  const globals = new Map<string, string>()
  const accepted = acceptedIn(lines)
  for (const order of outcome.orders.values()) {
    const details = all.get(order.execution)
    const report = (problem: string): void => void violations.push(`${order.execution} (${order.graph}): ${problem}`)
    if (details !== undefined) checkExecution(order, details, globals, results.get(order.execution) ?? [], report)
    // Nobody may have taken it before the storm was given up, which is a violation of its own.
    else if (accepted.has(order.execution)) report('lost: it was accepted, and the store does not know it')
  }
  violations.push(...wrongUses(lines, all))
  return { violations, effects: counts }
}

/** The executions of which a worker has said that they are stored. */
export function acceptedIn(lines: readonly LogLine[]): ReadonlySet<string> {
  return new Set(lines.flatMap(({ kind, execution }) => (kind === 'accepted' ? [execution!] : [])))
}

async function readAll(
  store: StoreUnderTest,
  orders: ReadonlyMap<string, StartOrder>,
): Promise<ReadonlyMap<string, ExecutionDetails>> {
  const graphs = [...chaosGraphs(refuseToRun).values()].map(({ graph }: ChaosGraph) => graph)
  await using docket = createDocket({ graphs, store: openStore(store.kind, store.url), takeOver: false })
  const found = new Map<string, ExecutionDetails>()
  const ids = [...orders.keys()]
  const read = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const details = await (await docket.get(id))?.details()
      if (details !== undefined) found.set(id, details)
    }
  }
  await Promise.all(Array.from({ length: 8 }, read))
  return found
}

export function refuseToRun(): never {
  throw new Error('the one who looks runs nothing')
}

function checkExecution(
  { graph, leaves }: StartOrder,
  { status, output, error, steps }: ExecutionDetails,
  globals: Map<string, string>,
  results: readonly LogLine[],
  report: (problem: string) => void,
): void {
  const shape = shapes.find(({ name }) => name === graph)!
  if (status !== 'completed') {
    report(`is ${status}${error instanceof Error ? `: ${error.message}` : ''}`)
    return
  }
  const numbers = numbersOf(shape, leaves)
  const made = output as Mark
  const target = shape.steps.at(-1)!
  if (made.n !== numbers.get(target.name)) report(`its output is ${made.n}, not ${numbers.get(target.name)}`)
  for (const { tag, n, worker } of results)
    if (n !== made.n || tag !== made.tag) report(`${worker} was told another result: ${tag}, not ${made.tag}`)
  checkSteps(shape, numbers, { ...made, steps }, globals, report)
}

function checkSteps(
  shape: ChaosShape,
  numbers: ReadonlyMap<string, number>,
  { tag, from, steps }: Mark & Pick<ExecutionDetails, 'steps'>,
  globals: Map<string, string>,
  report: (problem: string) => void,
): void {
  const tags = new Map<string, string>()
  for (const step of shape.steps) {
    const records = steps.filter((record) => record.step === step.name && record.item === undefined)
    // Steps that are not persisted leave traces of their attempts at most.
    if (step.scope === undefined) continue
    if (records.length !== 1) {
      report(`step ${step.name} has ${records.length} records`)
      continue
    }
    const [record] = records
    const value = record!.output as Mark | undefined
    if (value === undefined || (record!.status !== 'completed' && record!.status !== 'cached'))
      report(`step ${step.name} is ${record!.status}`)
    else {
      tags.set(step.name, value.tag)
      if (value.n !== numbers.get(step.name)) report(`step ${step.name} made ${value.n}`)
      for (const [type, used] of Object.entries(value.from))
        if (tags.has(type) && tags.get(type) !== used)
          report(`step ${step.name} was made of ${used}, but ${type} is ${tags.get(type)}`)
      if (step.scope === 'global')
        checkGlobal(`${step.name} of ${step.from.map((type) => numbers.get(type)!).join()}`, value.tag, globals, report)
    }
  }
  const target = shape.steps.at(-1)!.name
  if (tags.has(target) && tags.get(target) !== tag)
    report(`its output is ${tag}, but its last step made ${tags.get(target)}`)
  for (const [type, used] of Object.entries(from))
    if (tags.has(type) && tags.get(type) !== used)
      report(`its output was made of ${used}, but ${type} is ${tags.get(type)}`)
}

function checkGlobal(key: string, tag: string, globals: Map<string, string>, report: (problem: string) => void): void {
  const known = globals.get(key)
  if (known === undefined) globals.set(key, tag)
  else if (known !== tag) report(`global ${key} has two results: ${tag} and ${known}`)
}

/** Whatever a step that began was given must be what is committed. */
function wrongUses(lines: readonly LogLine[], all: ReadonlyMap<string, ExecutionDetails>): readonly string[] {
  const scopes = new Map(shapes.flatMap(({ steps }) => steps.map((step) => [step.name, step.scope])))
  const committed = new Map<string, Map<string, string>>()
  for (const [id, { steps }] of all) {
    const made = steps.filter(({ output }) => output !== undefined)
    committed.set(id, new Map(made.map(({ step, output }) => [step, (output as Mark).tag])))
  }
  const wrong: string[] = []
  for (const { kind, execution, worker, step, from = {} } of lines) {
    if (kind !== 'begin') continue
    for (const [type, used] of Object.entries(from)) {
      const tag = scopes.get(type) === undefined ? used : committed.get(execution!)?.get(type)
      if (tag !== used) wrong.push(`${execution}: ${worker} gave ${step} the ${type} ${used}, but ${tag} is committed`)
    }
  }
  return wrong
}

function resultsOf(lines: readonly LogLine[]): ReadonlyMap<string, readonly LogLine[]> {
  return Map.groupBy(
    lines.filter(({ kind }) => kind === 'result'),
    ({ execution }) => execution!,
  )
}
