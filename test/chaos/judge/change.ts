/** What stands of an execution, as far as it is judged. */
export interface ExecutionRow {
  readonly status: string
  /** The owner's whole text; undefined while there is none. */
  readonly owner: string | undefined
  readonly epoch: number
  readonly output: string | undefined
  /** Milliseconds since the epoch. */
  readonly endedAt: number | undefined
  readonly forkedFrom: string | undefined
}

export interface StepRow {
  readonly status: string
  readonly attempt: number
  /** Empty for a record that stands for none. */
  readonly type: string
  readonly output: string | undefined
}

export interface MessageRow {
  readonly kind: string
}

/** A global result, or the claim of one. */
export interface ResultRow {
  readonly status: string
  readonly owner: string | undefined
  readonly epoch: number
  readonly output: string | undefined
}

/** What each subject's rows are. */
export interface Rows {
  readonly execution: ExecutionRow
  readonly step: StepRow
  readonly message: MessageRow
  readonly result: ResultRow
}

export type Subject = keyof Rows

/**
 * One row or key as it became, seen by the database itself rather than by Docket; changes come in the order in which they took effect, as far
 * as one execution or one result goes.
 */
export type Change = { readonly [S in Subject]: ChangeOf<S> }[Subject]

export interface ChangeOf<S extends Subject> {
  readonly subject: S
  /** The execution's id, or the result's key. */
  readonly id: string
  /** Which step (with its item) or message of the execution. */
  readonly part: string
  /** When, in milliseconds since the epoch. It may be seen by others a moment later. */
  readonly at: number
  /** Undefined where it was deleted. */
  readonly row: Rows[S] | undefined
}

/** Records all changes from outside. */
export interface Witness extends AsyncDisposable {
  /** By how much a change may be stamped too late, in milliseconds. */
  readonly lateMs: number
  /** All that was recorded, in order. */
  changes(): AsyncIterable<Change>
  /** What stands in the store now, apart from results and claims of them: a line for each kind of thing, and none where there is nothing. */
  leftovers(): Promise<readonly string[]>
}

const ends: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

export function hasEnded(row: ExecutionRow | undefined): boolean {
  return row !== undefined && ends.has(row.status)
}

/** Whether a step's record is completed, and so stays. */
export function isDone(row: StepRow | undefined): boolean {
  return row !== undefined && (row.status === 'completed' || row.status === 'cached') && row.type !== ''
}

/** The tag of a stored output: which process made it, and when. Undefined where it is no output of a chaos step. */
export function tagOf(output: string | undefined): string | undefined {
  return markOf(output)?.tag
}

export function markOf(output: string | undefined): { readonly n: number; readonly tag: string } | undefined {
  if (output === undefined) return undefined
  try {
    const { n, tag } = JSON.parse(output) as { n: number; tag: string }
    return typeof tag === 'string' ? { n, tag } : undefined
  } catch {
    return undefined
  }
}

/** The process of a tag, or of an owner: both begin with its name. */
export function workerOf(text: string): string {
  return text.slice(0, text.indexOf(':'))
}
