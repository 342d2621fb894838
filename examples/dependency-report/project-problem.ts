/**
 * Something about the examined project that its owner can put right. The message is one line that says what is wrong and
 * what to do; `main.ts` prints it without a stack trace.
 */
export class ProjectProblem extends Error {
  override readonly name = 'ProjectProblem'
}

/** The code of a failed system call (`ENOENT`, `EMFILE` …), if the error has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether the system was short of something for a moment, so that trying again is worthwhile. */
export function isTransient(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'EBUSY', 'EAGAIN'].includes(systemCode(error) ?? '')
}

/** A system error in one short line: `EACCES` says more to its reader than the full path once more. */
export function shortReason(error: unknown): string {
  const code = systemCode(error)
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  if (code === 'EISDIR') return 'it is a folder'
  if (code === 'ENOTDIR') return 'it is not a folder'
  return code ?? (error instanceof Error ? error.message.split('\n', 1)[0]! : String(error))
}
