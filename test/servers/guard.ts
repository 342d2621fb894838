/**
 * A process that owns the servers of another one: it starts them, signals them, and when its parent ends (in whatever way, SIGKILL
 * included), ends them and removes their folders. It is a session of its own, so no Ctrl-C of a terminal reaches it or them.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { openSync, closeSync, rmSync } from 'node:fs'

export interface StartOrder {
  readonly type: 'start'
  readonly id: number
  readonly command: string
  readonly args: readonly string[]
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** File that takes what it prints. */
  readonly log: string
  /** What ends it quickly without leaving anything behind, when nobody is there any more to end it well. */
  readonly lastSignal: NodeJS.Signals
}

export type GuardOrder =
  | StartOrder
  | { readonly type: 'signal'; readonly id: number; readonly signal: NodeJS.Signals }
  /** To be removed at the end, and not later than that. */
  | { readonly type: 'folder'; readonly path: string }

export type GuardReport =
  | { readonly type: 'started'; readonly id: number; readonly pid: number }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'exited'; readonly id: number }

const children = new Map<number, { readonly child: ChildProcess; readonly lastSignal: NodeJS.Signals }>()
const folders: string[] = []
let isEnding = false

// The tests import the types above; only as a program of its own it has a parent that gives orders.
if (process.send !== undefined && process.argv[2] === 'docket-guard') {
  process.on('message', (order: GuardOrder) => obey(order))
  process.on('disconnect', end)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end)
}

function obey(order: GuardOrder): void {
  if (order.type === 'start') start(order)
  else if (order.type === 'signal') children.get(order.id)?.child.kill(order.signal)
  else folders.push(order.path)
}

function start({ id, command, args, uid, gid, log, lastSignal }: StartOrder): void {
  const output = openSync(log, 'a')
  const child = spawn(command, args, {
    stdio: ['ignore', output, output],
    detached: true,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    env: { ...process.env, LC_ALL: 'C' },
  })
  closeSync(output)
  children.set(id, { child, lastSignal })
  child.once('error', ({ message }) => {
    children.delete(id)
    report({ type: 'failed', id, message })
  })
  child.once('spawn', () => report({ type: 'started', id, pid: child.pid! }))
  child.once('exit', () => {
    children.delete(id)
    report({ type: 'exited', id })
    if (isEnding) leaveWhenDone()
  })
}

function report(message: GuardReport): void {
  if (process.connected) process.send!(message)
}

function end(): void {
  if (isEnding) return
  isEnding = true
  for (const { child, lastSignal } of children.values()) {
    child.kill(lastSignal)
    child.kill('SIGCONT')
  }
  setTimeout(() => {
    for (const { child } of children.values()) child.kill('SIGKILL')
  }, 3_000)
  leaveWhenDone()
}

function leaveWhenDone(): void {
  if (children.size > 0) return
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}
