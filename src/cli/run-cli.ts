import { readOf } from '../core/thrown.ts'
import { messageOf } from './cli-call.ts'
import { exitCodeOf, exitCodes } from './cli-error.ts'
import type { ExitCode } from './cli-error.ts'
import type { CliStreams } from './cli-streams.ts'
import { jsonErrorOf } from './json-value.ts'
import { jsonLine, plainLines } from './plain-text.ts'
import { createProgram } from './program.ts'
import { packageRoot } from './package-root.ts'

/** One call of `docket`: reads the arguments, does what they say, and gives what the process exits with. Never throws. */
export async function runCli(argv: readonly string[], streams: CliStreams): Promise<ExitCode> {
  const program = createProgram(streams, packageRoot().version)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return program.exitCode ?? exitCodes.done
  } catch (error) {
    const code = readOf(error, 'code')
    // It has written its message itself; 0 after --help and --version.
    if (typeof code === 'string' && code.startsWith('commander.'))
      return readOf(error, 'exitCode') === 0 ? exitCodes.done : exitCodes.usage
    const exitCode = streams.signal.aborted ? exitCodes.interrupted : exitCodeOf(error)
    const text = `error: ${plainLines(messageOf(error))}`
    streams.stderr.write(`${argv.includes('--json') ? jsonLine({ error: jsonErrorOf(error), exitCode }) : text}\n`)
    return exitCode
  }
}
