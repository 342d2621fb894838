import { execFile } from 'node:child_process'
import type { ExecFileException } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { withPackaged } from './packaged.ts'

const root = resolve(import.meta.dirname, '../..')
// Most take a second; where tests share two cores with much else, it may be a multiple of that.
export const exampleMs = 50_000

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  /** As a shell tells it: 137 after SIGKILL. */
  readonly exitCode: number
}

/** Runs an example by Node itself, which starts it in half the time that tsx takes. */
export function runExample(example: string, variables: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const { FORCE_COLOR: _, ...env } = process.env
  return new Promise((done) => {
    const file = join(root, 'examples', example)
    // The inspector is published as modules alone: beside the package for Node there would be two of Docket.
    const isOfSources = readFileSync(file, 'utf8').includes("'docket/inspector'")
    const command = [...(isOfSources ? ['--conditions=docket-source'] : withPackaged()), file]
    const options = { cwd: root, env: { ...env, ...variables }, timeout: exampleMs }
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      done({ stdout, stderr, exitCode: exitCodeOf(error) })
    })
  })
}

function exitCodeOf(error: ExecFileException | null): number {
  if (error === null) return 0
  if (error.signal) return 128 + constants.signals[error.signal]
  return Number(error.code ?? 1)
}

/** Runs an example whose first process is killed in the middle, and then once more; tells what both print, one after the other. */
export async function runTwice(example: string, variables: Readonly<Record<string, string>>): Promise<Outcome> {
  const first = await runExample(example, variables)
  if (first.exitCode !== 137) return first
  const second = await runExample(example, variables)
  return { ...second, stdout: first.stdout + second.stdout, stderr: first.stderr + second.stderr }
}
