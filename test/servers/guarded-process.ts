import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GuardOrder, GuardReport, StartOrder } from './guard.ts'

/** A process that can't outlive this one. */
export interface GuardedProcess {
  readonly pid: number
  readonly hasExited: boolean
  readonly log: string
  /** Resolves when it has ended. Already ended is fine. */
  end(signal: NodeJS.Signals, patienceMs?: number): Promise<void>
}

let guard: ChildProcess | undefined
let lastId = 0

/** A fresh folder for a server's data, removed when this process ends at the latest. */
export function temporaryFolder(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `docket-${name}-`))
  // A server that doesn't run as root has to get in.
  chmodSync(path, 0o755)
  give({ type: 'folder', path })
  return path
}

/** @throws when it could not be started at all */
export async function startGuarded(order: Omit<StartOrder, 'type' | 'id'>): Promise<GuardedProcess> {
  const id = ++lastId
  const started = nextReport(id)
  give({ type: 'start', id, ...order })
  const report = await started
  if (report.type !== 'started') {
    throw new Error(`${order.command} could not be started: ${report.type === 'failed' ? report.message : 'it ended'}`)
  }
  let hasExited = false
  const noteExit = (): void => void (hasExited = true)
  const exited = nextReport(id, false).then(noteExit, noteExit)
  return {
    pid: report.pid,
    log: order.log,
    get hasExited() {
      return hasExited
    },
    async end(signal, patienceMs = 10_000) {
      if (hasExited) return
      give({ type: 'signal', id, signal })
      const timer = setTimeout(() => give({ type: 'signal', id, signal: 'SIGKILL' }), patienceMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/** The end of what a process has printed, for error messages. */
export function lastWords(log: string): string {
  try {
    return readFileSync(log, 'utf8').split('\n').slice(-25).join('\n')
  } catch {
    return '(it printed nothing)'
  }
}

function give(order: GuardOrder): void {
  if (guard === undefined || !guard.connected) guard = startGuard()
  guard.send(order)
}

function startGuard(): ChildProcess {
  const child = fork(join(import.meta.dirname, 'guard.ts'), ['docket-guard'], {
    detached: true,
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.setMaxListeners(0)
  // A program that forgets to stop its servers ends all the same, and they with it.
  child.unref()
  child.channel?.unref()
  return child
}

function nextReport(id: number, keepsAlive = true): Promise<GuardReport> {
  guard ??= startGuard()
  const child = guard
  const alive = keepsAlive ? setInterval(() => {}, 1_000) : undefined
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearInterval(alive)
      child.off('message', onMessage)
      child.off('exit', onExit)
      act()
    }
    const onMessage = (message: unknown): void => {
      const report = message as GuardReport
      if (report.id === id) settle(() => resolve(report))
    }
    const onExit = (): void => settle(() => reject(new Error('the process that guards the test servers has ended')))
    child.on('message', onMessage)
    child.on('exit', onExit)
  })
}
