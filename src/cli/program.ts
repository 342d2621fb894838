import { Command, InvalidArgumentError, Option } from 'commander'
import { didYouMean } from '../core/closest-name.ts'
import { CliCall } from './cli-call.ts'
import type { GlobalOptions } from './cli-call.ts'
import { CliError } from './cli-error.ts'
import type { ExitCode } from './cli-error.ts'
import type { CliStreams } from './cli-streams.ts'
import { commands, globalOptions } from './commands.ts'
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { plain } from './plain-text.ts'
import { Printer } from './printer.ts'

/** What the calls of a program come to. */
export interface Program {
  /** Reads arguments and does what they say. @throws CommanderError for a wrong call, and what the command throws */
  parseAsync(argv: readonly string[], from: { readonly from: 'user' }): Promise<unknown>
  /** Of the command that was called; undefined where none was. */
  readonly exitCode: ExitCode | undefined
}

const usualTimeoutMs = 5_000

const about = `Docket from the command line: runs, shows and operates executions.

Exit codes: 0 done, 1 the execution failed, 2 wrong usage, 3 not found, 4 in conflict or refused,
5 store unreachable, 130 interrupted.`

/** All commands, ready to read arguments. What they need is loaded once they are called. */
export function createProgram(streams: CliStreams, version: string): Program {
  let exitCode: ExitCode | undefined
  const program = new Command('docket')
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      getOutHelpWidth: () => streams.stdout.columns ?? 100,
      getErrHelpWidth: () => streams.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .description(about)
    .version(version)
    .showSuggestionAfterError()
  for (const option of globalOptions) program.addOption(optionOf(option))
  const groups = new Map<string, Command>()
  for (const spec of commands) {
    const [first = '', second = '', ...rest] = spec.usage.split(' ')
    const isOfGroup = /^[a-z]/.test(second)
    let parent = program
    if (isOfGroup) {
      parent = groups.get(first) ?? groupOf(program, first)
      groups.set(first, parent)
    }
    const usage = isOfGroup ? [second, ...rest] : [first, second, ...rest]
    const command = parent
      .command(usage.filter((word) => word !== '').join(' '), { isDefault: spec.isUsual === true })
      .description(spec.summary)
    for (const option of spec.options ?? []) command.addOption(optionOf(option))
    command.action(async () => {
      exitCode = await act(spec, command, streams)
    })
  }
  return {
    parseAsync: (argv, from) => program.parseAsync(argv, from),
    get exitCode() {
      return exitCode
    },
  }
}

const groupSummaries: Readonly<Record<string, string>> = {
  schedules: 'what is started by the clock',
  queues: 'what stands ready, and what limits it',
}

function groupOf(program: Command, name: string): Command {
  const group = program.command(name).description(groupSummaries[name] ?? name)
  // What is mistyped must not be read as an argument of the usual command.
  return group.hook('preSubcommand', () => {
    const [word = '-'] = group.args
    const names = group.commands.map((command) => command.name())
    if (word.startsWith('-') || names.includes(word)) return
    group.error(`error: unknown command '${plain(word)}'${didYouMean(word, names)}`, {
      code: 'commander.unknownCommand',
    })
  })
}

async function act(spec: CommandSpec, command: Command, streams: CliStreams): Promise<ExitCode> {
  const everything: Readonly<Record<string, unknown>> = command.optsWithGlobals()
  const globals = { timeout: usualTimeoutMs, ...everything } as GlobalOptions
  const run = await spec.load()
  return run(
    new CliCall({
      command: spec.usage.replaceAll(/ [<[].*/g, ''),
      args: command.args,
      options: command.opts(),
      globals,
      streams,
      printer: new Printer(streams, globals.json === true),
    }),
  )
}

function optionOf({ flags, summary, read, isRepeatable }: OptionSpec): Option {
  const option = new Option(flags, summary)
  if (isRepeatable === true) option.argParser((text: string, before: readonly string[] = []) => [...before, text])
  else if (read !== undefined)
    option.argParser((text: string) => {
      try {
        return read(text)
      } catch (error) {
        throw error instanceof CliError ? new InvalidArgumentError(error.message) : error
      }
    })
  return option
}
