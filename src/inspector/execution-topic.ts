import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { Docket } from '../durable/docket.ts'
import type { ExecutionPlan } from '../durable/execution-plan.ts'
import type { StepInfo } from '../durable/records/step-info.ts'
import { detailsOf } from './docket-calls.ts'
import { rowOf } from './execution-row.ts'
import { Pacer } from './pacer.ts'
import type { PacerClock } from './pacer.ts'
import type { StepChange, StepView } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'
import { stepChangeOf } from './step-change.ts'
import { stepViewOf } from './step-view.ts'
import { Topic } from './topic.ts'
import type { Unnumbered } from './topic.ts'

/** Of one frame. */
const mostSteps = 1_000
const frameMs = 16

/**
 * One execution. Of one that runs in this process, events say at once what its steps do, sixty times a second at the most; what they come to is then looked up, as it is of
 * executions elsewhere, so that whatever an event does not say is right in a moment.
 */
export class ExecutionTopic extends Topic {
  readonly #docket: Docket
  readonly #id: string
  readonly #lookPacer: Pacer
  readonly #changePacer: Pacer
  #plan: ExecutionPlan | undefined
  /** The texts that were sent last, by step and item. */
  readonly #steps = new Map<string, string>()
  #rowText = ''
  readonly #changes = new Map<string, StepChange>()
  readonly #unobserve: () => void
  #isGone = false

  constructor(docket: Docket, id: string, nextSeq: () => number, clock?: PacerClock) {
    super(nextSeq)
    this.#docket = docket
    this.#id = id
    this.#lookPacer = new Pacer(() => this.#look(), { leastMs: 250, idleMs: 1_000 }, clock)
    this.#unobserve = docket.observe((event) => this.#take(event), { execution: id })
    this.#changePacer = new Pacer(() => this.#showChanges(), { leastMs: frameMs }, clock)
  }

  /** Synchronous, in the middle of the execution: it only notes that there is something to look at. */
  #take(event: ExecutionEvent): void {
    const change = stepChangeOf(event)
    if (change !== undefined) {
      this.#changes.set(change.step, { ...this.#changes.get(change.step), ...change })
      this.#changePacer.call()
    }
    this.#lookPacer.call()
  }

  override call(): void {
    this.#lookPacer.call()
  }

  override stop(): void {
    this.#unobserve()
    this.#lookPacer.stop()
    this.#changePacer.stop()
  }

  /** A page that comes has requested all of it. */
  protected override frames(): readonly Unnumbered[] {
    return []
  }

  #showChanges(): void {
    const changes = [...this.#changes.values()].slice(0, mostSteps)
    for (const { step } of changes) {
      this.#changes.delete(step)
      // What is looked up next is sent, whatever it is.
      this.#steps.delete(keyOf({ step }))
    }
    if (changes.length > 0) this.show({ type: 'steps', steps: [], changes })
    if (this.#changes.size > 0) this.#changePacer.call()
  }

  async #look(): Promise<void> {
    try {
      const details = await this.lookUp(async () => {
        this.#plan ??= await this.#docket.plan(this.#id)
        return detailsOf(this.#docket, this.#id)
      })
      this.#isGone = false
      const row = rowOf(details)
      const rowText = JSON.stringify([row, details.situation])
      const changed = this.#changedOf(details.steps)
      // What events have said meanwhile is newer than what was read.
      const steps = changed.filter(({ step }) => !this.#changes.has(step))
      const isNew = rowText !== this.#rowText
      this.#rowText = rowText
      const head = isNew ? { row, situation: details.situation } : undefined
      if (head !== undefined || steps.length > 0)
        this.show({ type: 'steps', steps: steps.slice(0, mostSteps), ...head })
      for (let from = mostSteps; from < steps.length; from += mostSteps)
        this.show({ type: 'steps', steps: steps.slice(from, from + mostSteps) })
    } catch (thrown) {
      if (!isNone(thrown)) return
      // It may come, or come again under the same id.
      if (!this.#isGone) this.show({ type: 'steps', steps: [], isGone: true })
      this.#isGone = true
      this.#plan = undefined
      this.#rowText = ''
      this.#steps.clear()
    }
  }

  #changedOf(steps: readonly StepInfo[]): readonly StepView[] {
    const planned = new Map(this.#plan?.steps.map((step) => [step.name, step]))
    const changed: StepView[] = []
    const keys = new Set<string>()
    for (const info of steps) {
      const view = stepViewOf(info, planned.get(info.step))
      const text = JSON.stringify(view)
      const key = keyOf(info)
      keys.add(key)
      if (this.#steps.get(key) === text) continue
      this.#steps.set(key, text)
      changed.push(view)
    }
    // Of a batch, other items are shown in the course of time.
    for (const key of this.#steps.keys()) if (!keys.has(key)) this.#steps.delete(key)
    return changed
  }
}

function keyOf({ step, item = '' }: { readonly step: string; readonly item?: string | undefined }): string {
  return JSON.stringify([step, item])
}

/** Whether it says that there is no such execution; else the store can't be reached, or it can't be read. */
function isNone(thrown: unknown): boolean {
  return (
    thrown instanceof RequestProblem || (thrown instanceof Error && thrown.message.startsWith('there is no execution'))
  )
}
