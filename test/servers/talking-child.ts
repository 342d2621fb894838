import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { childProgram } from '../child-program.ts'

/** A child process that prints lines, takes lines, and should end by itself. */
export interface TalkingChild extends Disposable {
  /** The lines that it has printed so far. */
  readonly said: readonly string[]
  /** Its next line. */
  line(): Promise<void>
  say(line: string): void
  /** How it ended, and what it wrote to stderr. */
  ended(): Promise<readonly [code: number | null, signal: string | null, errors: string]>
}

const longestMs = 90_000

/** Starts a program of the tests; one that does not end is killed. */
export function startTalkingChild(path: string, args: readonly string[]): TalkingChild {
  const child = spawn(process.execPath, [childProgram(path), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const said: string[] = []
  const lines = createInterface(child.stdout).on('line', (line) => said.push(line))
  const timer = setTimeout(() => child.kill('SIGKILL'), longestMs)
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  // It may end while nobody waits for that.
  child.stdin.on('error', () => {})
  return {
    said,
    line: async () => void (await once(lines, 'line')),
    say: (line) => void child.stdin.write(`${line}\n`),
    async ended() {
      const [code, signal] = await exit
      return [code, signal, errors]
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      child.kill('SIGKILL')
    },
  }
}
