import { commands, globalOptions } from '../../src/cli/commands.ts'
import type { OptionSpec } from '../../src/cli/command-spec.ts'

/** What `docs/command-line.md` has between its two marks: every command with its options, from their declarations. */
export function commandReference(): string {
  const sections = commands.map(({ usage, summary, options = [] }) =>
    [`### \`docket ${usage}\``, `${capital(summary)}.`, ...(options.length === 0 ? [] : [table(options)])].join('\n\n'),
  )
  return [`### Options of every command`, table(globalOptions), ...sections].join('\n\n')
}

/** As the formatter of this project leaves it: with columns that are as wide as their widest cell. */
function table(options: readonly OptionSpec[]): string {
  const rows = [
    ['option', 'what it does'],
    ...options.map(({ flags, summary }) => [`\`${flags}\``, summary.replaceAll('|', String.raw`\|`)]),
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const [head = [], ...rest] = rows
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rest.map(line)].join('\n')
}

function capital(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`
}
