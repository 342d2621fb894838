import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { childProgram } from '../child-program.ts'
import type { DrawnOrder } from './drawn-process.ts'
import type { FamilyOrder } from './family-process.ts'
import type { AtEnd } from './processes.ts'
import type { RemoteOrder } from './remote-process.ts'
import type { WaitingOrder } from './waiting-process.ts'
import type { WorkerOrder } from './worker-process.ts'

/** A worker as its parent sees it. */
export interface ChildWorker {
  /** All that it has said. */
  readonly lines: readonly string[]
  /** Resolves as soon as it has said this. */
  said(line: string): Promise<void>
  kill(): void
  /** Stops it for a while, and lets it go on; or ends the step that is held. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void
  /** Its exit code; null after a signal. */
  readonly exit: Promise<number | null>
}

export function spawnWorker(
  order: WorkerOrder | WaitingOrder | FamilyOrder | DrawnOrder | RemoteOrder,
  variables: Readonly<Record<string, string>> = {},
  file:
    | 'worker-process.ts'
    | 'waiting-process.ts'
    | 'family-process.ts'
    | 'drawn-process.ts'
    | 'remote-process.ts' = 'worker-process.ts',
  atEnd: AtEnd = onTestFinished,
): ChildWorker {
  const program = childProgram(join(import.meta.dirname, file))
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const waiting = new Map<string, () => void>()
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    waiting.get(line)?.()
  })
  const kill = (): void => void child.kill('SIGKILL')
  atEnd(kill)
  return {
    lines,
    said: (line) => new Promise((resolve) => (lines.includes(line) ? resolve() : void waiting.set(line, resolve))),
    kill,
    signal: (signal) => void child.kill(signal),
    exit: new Promise((resolve) => child.on('close', resolve)),
  }
}
