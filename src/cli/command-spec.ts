import type { CliCall } from './cli-call.ts'
import type { ExitCode } from './cli-error.ts'

/** One option of a command. */
export interface OptionSpec {
  /** As it is typed: `--limit <n>`, `-y, --yes`. */
  readonly flags: string
  /** What it does, in a few words. */
  readonly summary: string
  /** Reads its text. @throws CliError for what can't be read */
  readonly read?: (text: string) => unknown
  /** May be given several times: its value is a list of texts. */
  readonly isRepeatable?: boolean
}

/** What a command does; the process exits with what it gives. */
export type CommandRun = (call: CliCall) => Promise<ExitCode>

/** One command of `docket`. */
export interface CommandSpec {
  /** Its words and arguments: `schedules pause <name>`. */
  readonly usage: string
  /** What it does, in a sentence. */
  readonly summary: string
  /** Whether the word of its group alone calls it, too. @default false */
  readonly isUsual?: boolean
  /** Its own options. */
  readonly options?: readonly OptionSpec[]
  /** Loads what it needs, and nothing that other commands need. */
  readonly load: () => Promise<CommandRun>
}
