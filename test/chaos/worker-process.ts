import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childProgram } from '../child-program.ts'
import type { ChaosLog } from './chaos-log.ts'

const mostErrorText = 4_000

/** A worker as seen from outside: it does what it is ordered to. */
export class WorkerProcess<Order extends object> {
  readonly name: string
  readonly exited: Promise<void>
  isStopped = false
  /** Whether somebody has asked it to end, and how. */
  ending: 'SIGKILL' | 'SIGTERM' | undefined
  /** How it ended; undefined while it lives. */
  end: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined
  errors = ''
  readonly #child: ChildProcess
  readonly #log: ChaosLog

  constructor(script: string, settings: { readonly name: string }, log: ChaosLog) {
    this.name = settings.name
    this.#log = log
    this.#child = fork(childProgram(join(import.meta.dirname, script)), [JSON.stringify(settings)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'docket-chaos-cache') },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const output of [this.#child.stdout!, this.#child.stderr!])
      output.setEncoding('utf8').on('data', (text: string) => {
        this.errors = (this.errors + text).slice(0, mostErrorText)
      })
    this.#child.on('error', () => {})
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.end = { code, signal }
        resolve()
      })
    })
  }

  get isAlive(): boolean {
    return this.end === undefined && this.ending === undefined
  }

  give(order: Order): void {
    if (this.#child.connected) this.#child.send(order, () => {})
  }

  async kill(): Promise<void> {
    this.ending = 'SIGKILL'
    this.#child.kill('SIGKILL')
    this.#log.write('killed', { worker: this.name })
    await this.exited
  }

  /** Asks it to close; true if it ended in time, without being killed. */
  async close(patienceMs: number): Promise<boolean> {
    this.ending = 'SIGTERM'
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => {
      this.ending = 'SIGKILL'
      this.#child.kill('SIGKILL')
      this.#log.write('killed', { worker: this.name })
    }, patienceMs)
    await this.exited
    clearTimeout(timer)
    return this.ending === 'SIGTERM'
  }

  /** Stops it for a while. The one who wakes it up is a process of its own, so that nobody sleeps for ever. */
  async stop(forMs: number): Promise<void> {
    this.isStopped = true
    this.#log.write('stopped', { worker: this.name })
    const script = 'kill -STOP $0 && sleep $1; kill -CONT $0'
    const waker = spawn('sh', ['-c', script, String(this.#child.pid), String(forMs / 1_000)], { stdio: 'ignore' })
    await new Promise((resolve) => waker.once('close', resolve))
    this.#log.write('continued', { worker: this.name })
    this.isStopped = false
  }
}
