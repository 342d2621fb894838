import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'

/** A question to a child, and what it answers. */
export interface Question {
  readonly id: number
  readonly ask: string
  readonly about: unknown
}

export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string }

const folder = join(import.meta.dirname, '../workloads')
const alive = new Set<ChildProcess>()

// Whatever ends this process, its children end too: they notice that the channel is closed, and this is for those that are too busy.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** A process that measures, or is killed: it ends with this one, and with `await using`. */
export class BenchChild implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #lastId = 0
  readonly #exited: Promise<void>

  /** @param script a file in `workloads` */
  constructor(script: string, execArgv: readonly string[] = []) {
    this.#child = fork(join(folder, script), {
      execArgv: ['--disable-warning=DeprecationWarning', ...execArgv],
      serialization: 'advanced',
      // What opponents print is no result.
      stdio: ['ignore', process.env['BENCH_CHILD_OUTPUT'] === undefined ? 'ignore' : 2, 'inherit', 'ipc'],
    })
    alive.add(this.#child)
    this.#child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(new Error(answer.error))
      else waiting?.resolve(answer.value)
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        alive.delete(this.#child)
        for (const { reject } of this.#waiting.values())
          reject(new Error(`${script} ended early (${signal ?? `status ${code}`})`))
        resolve()
      })
    })
  }

  /** @throws (as rejection) what the child failed with, or that it takes longer than a minute */
  async ask<Value>(ask: string, about?: unknown, patienceMs = 60_000): Promise<Value> {
    const id = ++this.#lastId
    let timer: NodeJS.Timeout | undefined
    try {
      return (await new Promise<unknown>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        timer = setTimeout(() => reject(new Error(`"${ask}" took longer than ${patienceMs} ms`)), patienceMs)
        if (this.#child.connected) this.#child.send({ id, ask, about } satisfies Question)
        else reject(new Error('the process has ended'))
      })) as Value
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** SIGKILL, like a crash; tells when, by `Date.now()`. */
  async kill(): Promise<number> {
    this.#child.kill('SIGKILL')
    const at = Date.now()
    await this.#exited
    return at
  }

  /** Lets it end by itself for a moment, so that its own servers end too; then kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await this.#exited
    clearTimeout(timer)
  }
}
