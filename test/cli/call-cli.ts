import { join } from 'node:path'
import { runCli } from '../../src/cli/run-cli.ts'
import type { ExitCode } from '../../src/cli/cli-error.ts'

/** What a call of the command line came to. */
export interface CliOutcome {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
  /** What stdout holds, a line each. */
  readonly json: readonly Record<string, unknown>[]
}

/** What surrounds a call in a test. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  /** What is typed, on a terminal; else nothing, from no terminal. */
  readonly typed?: string
  /** What comes from a pipe. */
  readonly piped?: string
  /** Whether stdout and stderr are a terminal. */
  readonly isTerminal?: boolean
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** Sees stdout as it is written. */
  readonly onOut?: (text: string) => void
  /** Sees stderr as it is written. */
  readonly onErr?: (text: string) => void
}

export const fixtures = join(import.meta.dirname, 'fixtures')

/** Calls `docket` in this process, with the shop's configuration unless another one is named. */
export async function cli(argv: readonly string[], around: Surroundings = {}): Promise<CliOutcome> {
  let out = ''
  let err = ''
  const isTTY = around.isTerminal === true
  const input = around.typed ?? around.piped
  const stdin = Object.assign(
    (async function* () {
      if (input !== undefined) yield Buffer.from(input)
    })(),
    { isTTY: around.typed !== undefined },
  )
  const isPlaced = argv.some((one) => ['--store', '--config', '-c'].includes(one)) || around.cwd !== undefined
  const code = await runCli(isPlaced ? argv : [...argv, '--config', join(fixtures, 'docket.config.ts')], {
    stdout: { isTTY, columns: 200, write: (text) => ((out += text), around.onOut?.(text)) },
    stderr: { isTTY, columns: 200, write: (text) => ((err += text), around.onErr?.(text)) },
    stdin,
    env: around.env ?? {},
    cwd: around.cwd ?? fixtures,
    signal: around.signal ?? new AbortController().signal,
  })
  return {
    code,
    out,
    err,
    get json() {
      return out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

/** Times, and what follows from them, as words that are alike in every run. */
export function timeless(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<iso time>')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '<time>')
}
