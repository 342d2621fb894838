import type { HeadChange } from '../../core/contracts/execution-record.ts'

/** What the first beginning of an execution changes. */
export interface Beginning {
  /** The record's deadline, once it has begun; undefined where that changes nothing. */
  readonly deadlineOnceBegun?: ((startedAt: number) => number | undefined) | undefined
}

/** What is written of an execution or a batch that begins first. */
export function headOfBeginning(beginning: Beginning, startedAt: number): HeadChange {
  return { status: 'running', ...timesOfBeginning(beginning, startedAt) }
}

/** What is known once it is known when an execution began. */
export function timesOfBeginning({ deadlineOnceBegun }: Beginning, startedAt: number): HeadChange {
  return deadlineOnceBegun === undefined ? { startedAt } : { startedAt, deadline: deadlineOnceBegun(startedAt) }
}
