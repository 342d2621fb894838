#!/usr/bin/env node
import module from 'node:module'
import { readOf } from '../core/thrown.ts'
import { exitCodes } from './cli-error.ts'
import { PipeReader } from './pipe-reader.ts'
import { StoreWarnings } from './store-warnings.ts'

// Uncaught, it would be shown with the line that throws it, which of a minified program is all of it.
await import('../core/require-node.ts').catch(({ message }: Error) => {
  process.stderr.write(`error: ${message}\n`)
  process.exit(exitCodes.usage)
})

// What was compiled once need not be compiled again: a third of what a command takes to begin.
module.enableCompileCache()

const warnings = new StoreWarnings()
const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    // That a terminal is closed is said by the shell and by the system: twice means nothing.
    if (interruption.signal.aborted && name !== 'SIGHUP') process.exit(exitCodes.interrupted)
    interruption.abort()
  })

let mayStop = true
let isLost = false
// A reader of results that has enough is no failure: `docket list | head -1`. A disk that is full is one. What is being done is done to its end all the same.
process.stdout.on('error', (error) => {
  if (readOf(error, 'code') !== 'EPIPE' && !isLost) {
    isLost = true
    process.stderr.write(`error: the results can’t be written: ${error.message}\n`)
  }
  stopUnread()
})

function stopUnread(): void {
  if (mayStop) process.exit(isLost ? exitCodes.failed : exitCodes.done)
}

function onceUnread(act: () => void): void {
  const reader = new PipeReader(1)
  const watching = setInterval(() => {
    if (!reader.hasLeft) return
    clearInterval(watching)
    act()
  }, 250).unref()
}
// Nobody has to read what is said beside them.
process.stderr.on('error', () => {})

const { runCli } = await import('./run-cli.ts')
const { stdout, stderr, stdin, env } = process
const code = await runCli(process.argv.slice(2), {
  stdout,
  stderr,
  stdin,
  env,
  cwd: process.cwd(),
  onAct: () => void (mayStop = false),
  onStore: (said, answers) => warnings.release(said, answers),
  onFollow: () => onceUnread(stopUnread),
  whileRead: () => {
    const unread = new AbortController()
    onceUnread(() => unread.abort())
    return unread.signal
  },
  signal: interruption.signal,
})
warnings.release()
// What a configuration has opened of its own does not keep a command from ending; what was written is read first.
await Promise.all(
  [stdout, stderr].map((stream) => new Promise<void>((resolve) => void stream.write('', () => resolve()))),
)
process.exit(isLost && code === exitCodes.done ? exitCodes.failed : code)
