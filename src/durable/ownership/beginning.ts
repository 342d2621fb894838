import type { HeadChange } from '../../core/contracts/execution-record.ts'

/** What the first beginning of an execution changes. */
export interface Beginning {
  /** The record's deadline, once it has begun; undefined where that changes nothing. */
  readonly deadlineOnceBegun?: ((startedAt: number) => number | undefined) | undefined
}

/** What is written of an execution or a batch that begins first. */
export function headOfBeginning({ deadlineOnceBegun }: Beginning, startedAt: number): HeadChange {
  const head = { status: 'running', startedAt } as const
  return deadlineOnceBegun === undefined ? head : { ...head, deadline: deadlineOnceBegun(startedAt) }
}
