import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, test } from 'vitest'
import { childProgram } from '../child-program.ts'

const program = childProgram(join(import.meta.dirname, 'waiting-alone.ts'))
const folder = mkdtempSync(join(tmpdir(), 'docket-alone-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Run {
  readonly firstLine: Promise<string>
  readonly ended: Promise<{ readonly code: unknown; readonly out: string; readonly err: string }>
  tell(): void
  kill(signal: NodeJS.Signals): void
}

function run(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...args])
  let [out, err] = ['', '']
  const firstLine = new Promise<string>((resolve) =>
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
      if (out.includes('\n')) resolve(out)
    }),
  )
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as unknown, out, err }))
  return { firstLine, ended, tell: () => child.stdin.end(), kill: (signal) => void child.kill(signal) }
}

// A store in memory or SQLite keeps no process alive: whoever awaits a promise of the docket's is not left with Node's "unsettled top-level await".
describe.concurrent('a process that only awaits what its docket comes to lives until then', () => {
  test.for([
    ['signal', 'approved'],
    ['execute', 'approved'],
    ['update', 'ready!'],
    ['timed-out', 'ExecutionCancelledError'],
  ])('%s', async ([what, output], { expect }) => {
    for (const store of [[], [join(folder, `${what}.db`)]])
      expect(await run(what!, ...store).ended).toEqual({ code: 0, out: `${output}\n`, err: '' })
  })

  test.for(['slot', 'claim'])('another process has the %s', async (what, { expect }) => {
    const file = join(folder, `${what}.db`)
    const holder = run(`hold-${what}`, file)
    expect(await Promise.race([holder.firstLine, holder.ended])).toBe(`${what}\n`)
    const waiter = run(what, file)
    const first = await Promise.race([waiter.ended, new Promise((resolve) => setTimeout(resolve, 2_000, 'waits'))])
    holder.tell()
    expect(first).toBe('waits')
    expect(await holder.ended).toMatchObject({ code: 0, err: '' })
    expect(await waiter.ended).toEqual({ code: 0, out: what === 'slot' ? 'done\n' : 'held\n', err: '' })
  })

  test.for([[], [join(folder, 'stopped.db')]])(
    'it stands still for longer than its lease: %j',
    async (store, { expect }) => {
      const waiter = run('stopped', ...store)
      expect(await Promise.race([waiter.firstLine, waiter.ended])).toBe('waits\n')
      waiter.kill('SIGSTOP')
      await delay(600)
      waiter.kill('SIGCONT')
      const first = await Promise.race([waiter.ended, delay(3_000, 'waits')])
      waiter.kill('SIGKILL')
      expect(first).toEqual({ code: 0, out: 'waits\napproved\n', err: '' })
    },
  )
})
