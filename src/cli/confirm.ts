import type { CliCall } from './cli-call.ts'
import { CliError, exitCodes } from './cli-error.ts'
import { unlessAborted } from './until-aborted.ts'

/** What a command has that shows what it would be done to. */
export const dryRun = '--dry-run to see what it would be'

/**
 * Lets a person confirm what is about to happen; `--yes` does in scripts, and `instead` is another option that the command has.
 * @throws CliError where it was not confirmed
 */
export async function confirm(call: CliCall, question: string, instead?: string): Promise<void> {
  if (call.has('yes')) return
  const { stdin, stderr, signal } = call.streams
  if (stdin.isTTY !== true)
    throw new CliError(
      exitCodes.usage,
      `${question} Nobody is there to confirm it: add --yes${instead === undefined ? '' : `, or ${instead}`}`,
    )
  stderr.write(`${question} [y/N] `)
  const answer = await unlessAborted(firstLine(stdin), signal)
  if (answer === undefined) throw new CliError(exitCodes.interrupted, 'interrupted: nothing was done')
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CliError(exitCodes.refused, 'nothing was done')
}

async function firstLine(stdin: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk as Uint8Array)
    if (text.includes('\n')) break
  }
  return text.split('\n')[0]!
}
