import type { ExecutionView, LiveFrame, StepView } from '../../protocol.ts'
import { hasEnded } from '../text/statuses.ts'
import { changedStep, withRow } from './applied-steps.ts'
import { RequestError } from './api.ts'
import type { Api } from './api.ts'
import type { LiveConnection } from './live-connection.ts'
import { Notifier } from './notifier.ts'
import { stepKey } from './step-key.ts'

/** One execution as this page knows it: what the server said at first, and every change since. */
export class ExecutionModel extends Notifier {
  readonly #api: Api
  readonly #live: LiveConnection
  readonly #id: string
  #places = new Map<string, number>()
  #steps: StepView[] = []
  #seq = 0
  #isLoading = false
  #isStale = false
  #isOver = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #late: Extract<LiveFrame, { readonly type: 'steps' }>[] = []
  #stop: () => void
  view: ExecutionView | undefined
  error: unknown
  /** Whether it was deleted: what is shown is what was known of it last. */
  isGone = false
  /** Grows when the plan itself is another one: the graph is laid out again then, and never else. */
  planVersion = 0

  constructor(api: Api, live: LiveConnection, id: string) {
    super()
    this.#api = api
    this.#live = live
    this.#id = id
    this.#stop = live.watch(
      { onFrame: (frame) => this.#received(frame), onGap: () => this.reload() },
      { execution: id },
    )
    this.reload()
  }

  get steps(): readonly StepView[] {
    return this.#steps
  }

  stepOf(step: string, item?: string): StepView | undefined {
    const place = this.#places.get(stepKey({ step, item }))
    return place === undefined ? undefined : this.#steps[place]
  }

  /** Requests everything again: what was there stays until the answer is here. */
  reload(): void {
    if (this.#isOver || this.isGone) return
    if (this.#isLoading) {
      this.#isStale = true
      return
    }
    this.#isLoading = true
    // What came before is in the answer to come; of a server that was started anew it would have numbers from before.
    this.#late = []
    clearTimeout(this.#timer)
    void this.#load()
  }

  close(): void {
    this.#isOver = true
    this.#stop()
    clearTimeout(this.#timer)
  }

  async #load(): Promise<void> {
    try {
      this.#take(await this.#api.execution(this.#id))
      this.error = undefined
    } catch (error) {
      this.error = error
      if (this.view !== undefined && error instanceof RequestError && error.status === 404) this.isGone = true
    }
    if (this.#isOver) return
    this.#isLoading = false
    this.changed()
    if (this.#isStale) {
      this.#isStale = false
      this.reload()
      return
    }
    // What steps do comes live; children, outputs and acts come with the whole answer alone.
    const isSlow = this.#live.state === 'live' || (this.view !== undefined && hasEnded(this.view.status))
    const wait = isSlow ? 20_000 : 4_000
    this.#timer = setTimeout(() => this.#loadWhenSeen(), wait)
  }

  #loadWhenSeen(): void {
    if (document.visibilityState === 'visible') this.reload()
    else this.#timer = setTimeout(() => this.#loadWhenSeen(), 1_000)
  }

  #take(view: ExecutionView): void {
    const before = this.#steps
    const isSamePlan =
      before.length === view.steps.length && view.steps.every((step, index) => isSamePlace(step, before[index]!))
    this.view = view
    this.#seq = view.seq
    this.#steps = [...view.steps]
    if (!isSamePlan) {
      this.#places = new Map(this.#steps.map((step, index) => [stepKey(step), index]))
      this.planVersion++
    }
    for (const frame of this.#late.splice(0)) this.#apply(frame)
  }

  #received(frame: LiveFrame): void {
    if (frame.type !== 'steps') return
    // What comes before the first answer, or while another is under way, is newer than it may be.
    if (this.#isLoading) this.#late.push(frame)
    if (this.view === undefined) return
    this.#apply(frame)
    this.changed()
  }

  #apply(frame: Extract<LiveFrame, { readonly type: 'steps' }>): void {
    if (frame.seq <= this.#seq) return
    this.#seq = frame.seq
    for (const step of frame.steps) this.#put(step, () => step)
    for (const change of frame.changes ?? []) this.#put(change, (known) => changedStep(known, change))
    const hadEnded = hasEnded(this.view!.status)
    if (frame.row !== undefined) this.view = withRow(this.view!, frame.row)
    if (frame.situation !== undefined) this.view = { ...this.view!, situation: frame.situation }
    if (frame.isGone === true) this.isGone = true
    const hasChangedEnd = frame.row !== undefined && (hadEnded || hasEnded(frame.row.status))
    // Output, acts and children come with the whole answer.
    if (hasChangedEnd) this.reload()
  }

  #put(step: Pick<StepView, 'step' | 'item'>, now: (known: StepView) => StepView): void {
    const place = this.#places.get(stepKey(step))
    // A step that the plan does not have: the plan is another one.
    if (place === undefined) this.reload()
    else this.#steps[place] = now(this.#steps[place]!)
  }
}

function isSamePlace(one: StepView, other: StepView): boolean {
  return (
    one.step === other.step &&
    one.item === other.item &&
    one.kind === other.kind &&
    one.dependsOn.length === other.dependsOn.length &&
    one.dependsOn.every((name, index) => name === other.dependsOn[index])
  )
}
