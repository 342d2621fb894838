import type { HeadChange } from '../../core/contracts/execution-record.ts'

/** What is written of an execution or a batch that begins first. */
export function headOfBeginning(
  { deadlineOnceBegun }: { readonly deadlineOnceBegun?: ((startedAt: number) => number | undefined) | undefined },
  startedAt: number,
): HeadChange {
  const head = { status: 'running', startedAt } as const
  return deadlineOnceBegun === undefined ? head : { ...head, deadline: deadlineOnceBegun(startedAt) }
}
