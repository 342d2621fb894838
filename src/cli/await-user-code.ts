import { CliError, exitCodes } from './cli-error.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * What users' code of a file comes to. It may take as long as it likes: it can be interrupted, and is not waited for where nothing is left that could bring it to its end, of which Node would end without a word.
 * @throws CliError for both, and what the code throws
 */
export async function awaitUserCode<Value>(work: Promise<Value>, path: string, signal: AbortSignal): Promise<Value> {
  const { promise: idle, resolve } = Promise.withResolvers<void>()
  const isIdle = (): void => resolve()
  process.once('beforeExit', isIdle)
  try {
    const first = await Promise.race([
      work.then((value) => ({ value })),
      idle.then(() => 'stuck' as const),
      untilAborted(signal).then(() => 'interrupted' as const),
    ])
    if (typeof first === 'object') return first.value
    work.catch(() => {})
    throw first === 'stuck'
      ? new CliError(exitCodes.usage, `${path} waits for a promise that nothing is left to settle`)
      : new CliError(exitCodes.interrupted, `interrupted while ${path} was loaded`)
  } finally {
    process.off('beforeExit', isIdle)
  }
}
