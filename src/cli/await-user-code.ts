import { CliError, exitCodes } from './cli-error.ts'
import { unlessAborted } from './until-aborted.ts'

/**
 * What users' code of a file comes to. It may take as long as it likes: it can be interrupted, and is not waited for where nothing is left that could bring it to its end, of which Node would end without a word.
 * @throws CliError for both, and what the code throws
 */
export async function awaitUserCode<Value>(work: Promise<Value>, path: string, signal: AbortSignal): Promise<Value> {
  const { promise: idle, resolve } = Promise.withResolvers<void>()
  const isIdle = (): void => resolve()
  process.once('beforeExit', isIdle)
  try {
    const settled = Promise.race([work.then((value) => ({ value })), idle.then(() => 'stuck' as const)])
    const first = await unlessAborted(settled, signal)
    if (first === undefined) throw new CliError(exitCodes.interrupted, `interrupted while ${path} was loaded`)
    if (first === 'stuck')
      throw new CliError(exitCodes.usage, `${path} waits for a promise that nothing is left to settle`)
    return first.value
  } finally {
    process.off('beforeExit', isIdle)
  }
}
