import { styleText } from 'node:util'
import type { CliStreams } from './cli-streams.ts'
import { jsonLine, plain } from './plain-text.ts'

/** How a word is shown on a terminal. */
export type Tone = 'good' | 'bad' | 'busy' | 'quiet' | 'strong'

const formats = { good: 'green', bad: 'red', busy: 'cyan', quiet: 'dim', strong: 'bold' } as const

/** One cell of a table: a text, and how it is shown. */
export type Cell = string | readonly [text: string, tone: Tone]

/** Writes what commands have to say: results on stdout, as text or as JSON lines; talk on stderr. */
export class Printer {
  /** Whether results are JSON. */
  readonly isJson: boolean
  readonly #streams: CliStreams

  constructor(streams: CliStreams, isJson: boolean) {
    this.#streams = streams
    this.isJson = isJson
  }

  /** Whether a person looks at the results. */
  get isTerminal(): boolean {
    return !this.isJson && this.#streams.stdout.isTTY === true
  }

  get #hasColour(): boolean {
    const { NO_COLOR: noColour, TERM: terminal } = this.#streams.env
    return this.isTerminal && (noColour ?? '') === '' && terminal !== 'dumb'
  }

  /** A result: an object with JSON, else its text. */
  result(value: unknown, text: () => string): void {
    this.#streams.stdout.write(`${this.isJson ? jsonLine(value) : text()}\n`)
  }

  /** A line of a list, or of several results. */
  line(text: string): void {
    this.#streams.stdout.write(`${text}\n`)
  }

  /** What is no result: on stderr. */
  say(text: string): void {
    this.#streams.stderr.write(`${text}\n`)
  }

  /** A word in its colour, where there are colours. */
  toned(text: string, tone: Tone): string {
    return this.#hasColour ? styleText(formats[tone], text, { validateStream: false }) : text
  }

  /** Rows below a head, in columns; names are escaped. The last column is cut at the terminal's edge. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): readonly string[] {
    const shown = rows.map((row) =>
      row.map((cell) =>
        typeof cell === 'string' ? ([plain(cell), undefined] as const) : ([plain(cell[0]), cell[1]] as const),
      ),
    )
    const widths = head.map((title, column) =>
      shown.reduce((most, row) => Math.max(most, row[column]?.[0].length ?? 0), title.length),
    )
    const columns = this.isTerminal ? (this.#streams.stdout.columns ?? 0) : 0
    const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0)
    const last = head.length - 1
    if (columns > before + 20) widths[last] = Math.min(widths[last]!, columns - before)
    const lineOf = (cells: readonly (readonly [string, Tone | undefined])[]): string =>
      cells
        .map(([text, tone], column) => {
          const width = widths[column]!
          const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text
          const padded = column === last ? cut : cut.padEnd(width)
          return tone === undefined ? padded : this.toned(padded, tone)
        })
        .join('  ')
        .trimEnd()
    return [lineOf(head.map((title) => [title, 'quiet'] as const)), ...shown.map(lineOf)]
  }
}
