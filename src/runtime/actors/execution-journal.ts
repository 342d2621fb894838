import { compiledStep } from '../../../machines/index.ts'
import type { StepRun } from '../execution/step-run.ts'

/** What a snapshot of an execution tells of one step. Times are milliseconds since the epoch. */
export interface StepView {
  readonly status: string
  /** The current or last attempt; 0 before the first. */
  readonly attempt: number
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** When the next attempt is due, while retrying. */
  readonly dueAt: number | undefined
  readonly output: unknown
  /** What the last attempt threw, or why the step was cancelled. */
  readonly error: unknown
}

const pendingView: StepView = Object.freeze({
  status: 'pending',
  attempt: 0,
  startedAt: undefined,
  endedAt: undefined,
  dueAt: undefined,
  output: undefined,
  error: undefined,
})

/** A moment in a journal: from it the steps' views at that moment can be told, at any time later. */
export interface JournalMark {
  readonly base: readonly (StepView | undefined)[]
  readonly entries: readonly JournalEntry[]
  readonly length: number
}

interface JournalEntry {
  readonly position: number
  readonly view: StepView
}

/**
 * What happened to an execution's steps, in order. Snapshots are marks in it: taking one copies nothing, and an old one
 * still tells the old state. When it grows long it is folded into a new base, so that its memory is bounded by the number
 * of steps however often they retry.
 */
export class ExecutionJournal {
  readonly #size: number
  #base: readonly (StepView | undefined)[] = []
  #entries: JournalEntry[] = []

  constructor(size: number) {
    this.#size = size
  }

  note(run: StepRun): void {
    this.#entries.push({ position: run.planStep.position, view: viewOf(run) })
    if (this.#entries.length < 64 + 8 * this.#size) return
    this.#base = viewsAt(this.mark())
    this.#entries = []
  }

  mark(): JournalMark {
    return { base: this.#base, entries: this.#entries, length: this.#entries.length }
  }
}

function viewOf(run: StepRun): StepView {
  const { attempt, startedAt, endedAt, dueAt, output, error } = run
  return { status: compiledStep.states[run.state]!, attempt, startedAt, endedAt, dueAt, output, error }
}

function viewsAt({ base, entries, length }: JournalMark): readonly (StepView | undefined)[] {
  const views = base.slice()
  for (let i = 0; i < length; i++) {
    const { position, view } = entries[i]!
    views[position] = view
  }
  return views
}

/** The steps' views at the mark, by step name; `names` in the plan's order. */
export function stepViewsAt(mark: JournalMark, names: readonly string[]): Readonly<Record<string, StepView>> {
  const views = viewsAt(mark)
  return Object.fromEntries(names.map((name, position) => [name, { ...(views[position] ?? pendingView) }]))
}
