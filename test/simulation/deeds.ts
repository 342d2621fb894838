import type { CompensateContext } from '../../src/core/language/compensation.ts'
import type { First } from '../../src/core/language/race.ts'
import type { Due } from '../../src/core/language/timer.ts'
import type { StepContext } from '../../src/core/language/step.ts'
import type { CallRecord, Calls } from './calls.ts'
import { hasCompleted } from './life.ts'
import { losersOf } from './race-losers.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import { shortName } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { unmigrated } from './versions.ts'

/** What the steps of a run did that may have to be undone, what won its races, and when its timers fired: judged by what nobody may ever see otherwise. */
export class Deeds {
  readonly #history: History
  readonly #calls: Calls
  /** The steps that compensate and stand behind another one, by its name. */
  readonly #behind: ReadonlyMap<string, readonly string[]>
  readonly #graphs: readonly SimulatedGraph[]
  /** What is undone, by life and key. */
  readonly #undone = new Set<string>()
  readonly #undoneSteps = new Set<string>()
  readonly #winners = new Map<string, string>()
  /** Steps with a child that is undone. */
  readonly #children: ReadonlySet<string>

  constructor(history: History, calls: Calls, graphs: readonly SimulatedGraph[]) {
    this.#history = history
    this.#calls = calls
    this.#graphs = graphs
    this.#children = new Set(
      graphs.flatMap(({ steps }) =>
        steps.flatMap(({ name, kind, compensates }) => (kind === 'child' && compensates === true ? [name] : [])),
      ),
    )
    this.#behind = new Map(graphs.flatMap((graph) => graph.steps.map((step, at) => [step.name, behind(graph, at)])))
  }

  isUndone(call: Pick<CallRecord, 'life' | 'key'>): boolean {
    return this.#undone.has(placeOf(call.life, call.key))
  }

  /** Whether a step was undone in this life of its execution: what it does then is another deed. */
  hasUndone(life: Life | undefined, step: string): boolean {
    return this.#undoneSteps.has(placeOf(life, step))
  }

  /** An attempt to undo a step begins. */
  undoBegins(
    step: SimulatedStep,
    { executionId, stepIdempotencyKey, isUncertain }: CompensateContext,
    output: unknown,
    process: SimulatedProcess,
  ): void {
    const life = this.#history.lives.get(executionId)
    this.#history.tell(() => `${process.name} ${executionId} undoes ${step.name}: ${String(output)}`)
    if (!this.#isOwner(life, process)) return
    if (step.kind === 'child') {
      this.#undoChild(step, life!, isUncertain, output, process)
      return
    }
    const calls = this.#calls.all.filter((call) => call.life === life && call.key === stepIdempotencyKey)
    // What is on record as begun may have been given up right before its function was called.
    const mayHaveBegun = isUncertain && [...life!.steps.keys()].some((key) => key.startsWith(`$inputs ${step.name}`))
    if (calls.length === 0 && !mayHaveBegun)
      this.#history.violate(`${executionId}: ${step.name} is undone, and nothing of it was done`)
    // It is given what it made, in the shape of today.
    if (!isUncertain && !calls.some(({ value }) => value === unmigrated(String(output))))
      this.#history.violate(`${executionId}: ${step.name} is undone with ${String(output)}, which it did not make`)
    this.#checkOrder(step, life!, process)
  }

  /** What has come to an end is undone after what has used it. */
  #checkOrder(step: SimulatedStep, life: Life, process: SimulatedProcess): void {
    // Of a batch, each item has an order of its own.
    if (life.kind === 'batch') return
    const graph = this.#graphOf(life)
    const mayHaveLost = losersOf(graph, life, true).has(step.name)
    const losers = losersOf(graph, life)
    for (const name of this.#behindOf(step.name, life, process)) {
      // What lost a race is undone while what took of it, and is needed, stays.
      if (mayHaveLost && !losers.has(name)) continue
      const last = this.#calls.all.findLast(
        (call) => call.life === life && call.step.name === name && call.value !== undefined,
      )
      if (last !== undefined && !this.isUndone(last))
        this.#history.violate(`${life.id}: ${step.name} is undone before call ${last.number} of ${name}`)
      const child = this.#children.has(name) ? life.steps.get(name) : undefined
      if (child !== undefined && hasCompleted(child.record) && !this.hasUndone(life, name))
        this.#history.violate(`${life.id}: ${step.name} is undone before the child of ${name}`)
    }
  }

  /** What a child has made is undone as what it made. */
  #undoChild(step: SimulatedStep, life: Life, isUncertain: boolean, output: unknown, process: SimulatedProcess): void {
    const id = `${life.id}/${step.name}`
    // Where it was undone before, it has another one.
    const made = [...this.#history.outputs].some(
      ([child, outputs]) => (child === id || child.startsWith(`${id}~`)) && outputs.has(output),
    )
    if (life.kind === 'execution' && !isUncertain && !made)
      this.#history.violate(
        `${life.id}: the child of ${step.name} is undone with ${String(output)}, which it did not make`,
      )
    this.#checkOrder(step, life, process)
  }

  /** A timer has fired: its value says for which time it was set. */
  fired(timer: SimulatedStep, { dueAt }: Due): string {
    return `${shortName(timer)}(t${dueAt.getTime() % 1_000_000})`
  }

  /** It is undone. */
  undone(step: SimulatedStep, { executionId, stepIdempotencyKey }: CompensateContext): void {
    const life = this.#history.lives.get(executionId)
    this.#undone.add(placeOf(life, stepIdempotencyKey))
    this.#undoneSteps.add(placeOf(life, step.name))
    this.#history.tell(() => `${executionId} ${step.name} is undone`)
  }

  /** What has won a race has won it for ever. */
  decided(race: SimulatedStep, { port, value }: First, context: StepContext, process: SimulatedProcess): void {
    const { executionId, item } = context
    const life = this.#history.lives.get(executionId)
    if (!this.#isOwner(life, process)) return
    // Where its winner was undone, a retry decides it anew.
    const kept = life!.steps.get(`$undone ${race.name}`)?.record.attempt ?? 0
    const undone = life!.kind === 'batch' ? life!.reopened : kept
    const place = `${life!.number} ${race.name} ${undone} ${item}`
    const first = `${port}: ${String(value)}`
    const known = this.#winners.get(place)
    if (known !== undefined && known !== first)
      this.#history.violate(`${executionId}: ${race.name} was won by ${known}, and then by ${first}`)
    this.#winners.set(place, first)
  }

  /** Whether what completed in executions that failed is undone, as is what lost a race; and nothing else of those that are completed. */
  checkTheEnd(): void {
    for (const call of this.#calls.all) {
      const { life, step, value, endedAt, wasOwners } = call
      if (!step.compensates || life === undefined || this.#history.lives.get(life.id) !== life) continue
      const kept = life.steps.get(step.name)
      const mustBe = this.#mustBeUndone(life, step.name)
      if (
        !mustBe &&
        !this.#mayBeUndone(life, step.name) &&
        value !== undefined &&
        unmigrated(String(kept?.value)) === value &&
        this.isUndone(call)
      )
        this.#history.violate(`${life.id} is completed, but call ${call.number} of ${step.name} is undone`)
      const hadEnded = endedAt !== undefined && endedAt <= (life.endedAt ?? -Infinity)
      if (mustBe && wasOwners && value !== undefined && hadEnded && !this.isUndone(call))
        this.#history.violate(`${life.id} is ${life.status}, but call ${call.number} of ${step.name} is not undone`)
    }
    for (const life of this.#history.lives.values())
      for (const name of life.kind === 'batch' ? [] : this.#children) {
        const kept = life.steps.get(name)
        if (kept === undefined || !hasCompleted(kept.record)) continue
        const isUndone = this.hasUndone(life, name)
        const mustBe = this.#mustBeUndone(life, name)
        if (!mustBe && !this.#mayBeUndone(life, name) && isUndone && life.reopened === 0)
          this.#history.violate(`${life.id} is completed, but the child of ${name} is undone`)
        // A fork has what its source's child has made, and no child.
        if (mustBe && !isUndone && life.forkedFrom === undefined)
          this.#history.violate(`${life.id} is ${life.status}, but the child of ${name} is not undone`)
      }
  }

  /** In a plan without what the execution was given, and with what the program of the process has. */
  #behindOf(step: string, life: Life, { name }: SimulatedProcess): readonly string[] {
    const { versions } = this.#history
    if (Object.keys(life.overrides).length === 0 && versions === undefined) return this.#behind.get(step) ?? []
    const whole = this.#graphOf(life)
    const graph = versions?.of(name).planOf(whole) ?? whole
    return behind(
      graph,
      graph.steps.findIndex(({ name }) => name === step),
      life.overrides,
    )
  }

  #mayBeUndone(life: Life, step: string): boolean {
    return life.detachedBy !== undefined || life.kind === 'batch' || losersOf(this.#graphOf(life), life, true).has(step)
  }

  #mustBeUndone(life: Life, step: string): boolean {
    // Whoever goes on with it sees to that.
    if (life.detachedBy !== undefined) return false
    return life.status !== 'completed' || (life.kind === 'execution' && losersOf(this.#graphOf(life), life).has(step))
  }

  #graphOf({ target }: Life): SimulatedGraph {
    return this.#graphs.find(({ name }) => target.startsWith(`${name}.`))!
  }

  #isOwner(life: Life | undefined, process: SimulatedProcess): boolean {
    return life?.owner?.startsWith(`${process.name}:`) === true && this.#history.isAlive(life.owner)
  }
}

function placeOf(life: Life | undefined, key: string): string {
  return `${life?.number} ${key}`
}

/** The steps that compensate and stand behind a step, whatever lies between. */
function behind(
  { steps }: SimulatedGraph,
  at: number,
  given: Readonly<Record<string, string>> = {},
): readonly string[] {
  const reached = new Set([at])
  for (const [index, { name, ports }] of steps.entries())
    if (given[name] === undefined && ports.some(({ from }) => 'step' in from && reached.has(from.step)))
      reached.add(index)
  reached.delete(at)
  return [...reached].flatMap((index) => (steps[index]!.compensates === true ? [steps[index]!.name] : []))
}
