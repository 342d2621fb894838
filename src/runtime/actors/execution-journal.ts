import { compiledStep } from '../../../machines/index.ts'
import type { StepEvent, StepStatus } from '../../../machines/index.ts'
import { unbegunStep } from '../execution/execution-view.ts'
import type { StepView } from '../execution/execution-view.ts'
import type { StepState } from '../execution/step-state.ts'

/** A moment in a journal: from it the steps' views at that moment can be worked out, at any time later. */
export interface JournalMark {
  readonly base: readonly (StepView | undefined)[]
  readonly entries: readonly JournalEntry[]
  readonly length: number
}

/** Entries come in pairs: the position of a step, and what happened to it or what it had become. */
type JournalEntry = number | StepEvent | StepView

/**
 * What happened to an execution's steps, in order. Snapshots are marks in it: taking one copies nothing, and an old one
 * still gives the old state. When it grows long it is folded into a new base, so that its memory is bounded by the number
 * of steps however often they retry.
 */
export class ExecutionJournal {
  readonly #size: number
  #base: readonly (StepView | undefined)[] = []
  #entries: JournalEntry[] = []

  constructor(size: number) {
    this.#size = size
  }

  /** Notes a step as it stands. */
  note(run: StepState): void {
    this.#add(run, viewOf(run))
  }

  /** Notes what a step has gone through. */
  noteEvent(run: StepState, event: StepEvent): void {
    // The machine makes the same of an event later on: most steps need no view that nobody may ever look at. What is known of
    // attempts may have come from an equal call, and no event says so; the next START does. What came first in a race is in no event.
    if (run.first !== undefined) this.note(run)
    else if (event.type === 'START' || event.type === 'SUCCEED' || event.type === 'CLAIM') this.#add(run, event)
    else this.note(run)
  }

  mark(): JournalMark {
    return { base: this.#base, entries: this.#entries, length: this.#entries.length }
  }

  #add(run: StepState, entry: StepEvent | StepView): void {
    this.#entries.push(run.planStep.position, entry)
    if (this.#entries.length < 2 * (64 + 8 * this.#size)) return
    this.#base = viewsAt(this.mark())
    this.#entries = []
  }
}

function viewOf(record: Omit<StepView, 'status'> & { readonly state: number }): StepView {
  const { attempt, startedAt, endedAt, dueAt, output, error, first, awaitedKey } = record
  const view = { status: compiledStep.states[record.state]!, attempt, startedAt, endedAt, dueAt, output, error }
  if (awaitedKey !== undefined && view.status === 'waiting') return { ...view, awaitedKey }
  return first === undefined ? view : { ...view, first }
}

function viewsAt({ base, entries, length }: JournalMark): readonly (StepView | undefined)[] {
  const views = base.slice()
  for (let i = 0; i < length; i += 2) {
    const position = entries[i] as number
    const entry = entries[i + 1] as StepEvent | StepView
    views[position] = 'type' in entry ? viewAfter(views[position] ?? unbegunStep, entry) : entry
  }
  return views
}

function viewAfter(view: StepView, event: StepEvent): StepView {
  const state = compiledStep.stateCode[view.status as StepStatus]
  const record = { ...view, step: '', state }
  compiledStep.transition(record, compiledStep.eventCode[event.type], event)
  return viewOf(record)
}

/** The steps' views at the mark, by step name; `names` in the plan's order. */
export function stepViewsAt(mark: JournalMark, names: readonly string[]): Readonly<Record<string, StepView>> {
  const views = viewsAt(mark)
  return Object.fromEntries(names.map((name, position) => [name, { ...(views[position] ?? unbegunStep) }]))
}
