import { didYouMean } from '../../core/closest-name.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import type { CommandSpec, OptionSpec } from '../command-spec.ts'

/** All that can be completed. */
export interface CommandTree {
  readonly commands: readonly CommandSpec[]
  readonly globalOptions: readonly OptionSpec[]
}

/** What can follow a path of words: `''`, `schedules`, `schedules pause`. */
type Words = ReadonlyMap<string, readonly string[]>

const shells = ['bash', 'zsh', 'fish'] as const

/** `docket completion`: a script for the shell. */
export async function completion(call: CliCall, tree: CommandTree): Promise<ExitCode> {
  const [shell = ''] = call.args
  const words = wordsByPath(tree)
  if (shell === 'bash') call.printer.line(bashScript(words, tree))
  else if (shell === 'zsh')
    call.printer.line(`#compdef docket\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(words, tree)}`)
  else if (shell === 'fish') call.printer.line(fishScript(tree))
  else
    throw new CliError(
      exitCodes.usage,
      `there is no completion for "${shell}"${didYouMean(shell, shells) || '; there is bash, zsh and fish'}`,
    )
  return exitCodes.done
}

/** The words of a command, without its arguments. */
function wordsOf(usage: string): readonly string[] {
  return usage.split(' ').filter((word) => /^[a-z]/.test(word))
}

function longFlags(options: readonly OptionSpec[]): readonly string[] {
  return options.flatMap(({ flags }) => /--[a-z-]+/.exec(flags)?.[0] ?? [])
}

function wordsByPath({ commands, globalOptions }: CommandTree): Words {
  const words = new Map<string, string[]>([['', ['help']]])
  for (const { usage, options = [] } of commands) {
    const path = wordsOf(usage)
    for (const [depth, word] of path.entries()) {
      const above = path.slice(0, depth).join(' ')
      const known = words.get(above) ?? []
      if (!known.includes(word)) known.push(word)
      words.set(above, known)
    }
    words.set(path.join(' '), [...longFlags(options)])
  }
  const everywhere = [...longFlags(globalOptions), '--help']
  return new Map([...words].map(([path, some]) => [path, [...some, ...everywhere]]))
}

function bashScript(words: Words, { commands }: CommandTree): string {
  const cases = [...words].map(([path, some]) => `    '${path}') words='${some.join(' ')}' ;;`)
  return [
    '_docket() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" path="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in',
    '      -*) ;;',
    `      ${[...new Set(commands.flatMap(({ usage }) => wordsOf(usage)))].join('|')}) path="\${path:+$path }$word" ;;`,
    '    esac',
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -F _docket docket',
  ].join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}

function fishScript({ commands, globalOptions }: CommandTree): string {
  const lines = ['complete -c docket -f']
  const groups = new Set<string>()
  for (const { usage, summary, options = [] } of commands) {
    const path = wordsOf(usage)
    const [first = '', second] = path
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    if (second === undefined)
      lines.push(`complete -c docket -n __fish_use_subcommand -a ${first} -d ${quoted(summary)}`)
    else {
      if (!groups.has(first)) lines.push(`complete -c docket -n __fish_use_subcommand -a ${first}`)
      groups.add(first)
      lines.push(`complete -c docket -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${quoted(summary)}`)
    }
    for (const option of options)
      lines.push(`complete -c docket -n '${seen}' ${fishFlag(option)} -d ${quoted(option.summary)}`)
  }
  for (const option of globalOptions) lines.push(`complete -c docket ${fishFlag(option)} -d ${quoted(option.summary)}`)
  return lines.join('\n')
}

function fishFlag({ flags }: OptionSpec): string {
  const long = /--([a-z-]+)/.exec(flags)?.[1] ?? ''
  return `-l ${long}${flags.includes('<') ? ' -r' : ''}`
}
