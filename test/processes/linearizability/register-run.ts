import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, UpdateError } from '../../../src/index.ts'
import { childProgram } from '../../child-program.ts'
import { openStore } from '../store-address.ts'
import type { StoreAddress } from '../store-address.ts'
import { randomOf } from '../../../src/testing/kit/seeded-random.ts'
import { violationsOf } from './check-history.ts'
import type { Operated } from './check-history.ts'
import { Close, Operation, registers, State } from './register.ts'

const workers = 3
const clients = 4
const kinds = ['read', 'write', 'add'] as const

/** What came of a run. */
export interface RegisterRun {
  readonly operations: number
  readonly kills: number
  readonly violations: readonly string[]
}

/** Clients operate on one register for a while, and the processes that run it are killed one after the other. */
export async function runRegister(
  address: StoreAddress,
  forMs: number,
  seed: number,
  of: keyof typeof registers,
): Promise<RegisterRun> {
  const register = registers[of]
  const random = randomOf(seed)
  const program = childProgram(join(import.meta.dirname, 'register-process.ts'))
  const start = (): ChildProcess => spawn(process.execPath, [program, JSON.stringify(address)], { stdio: 'inherit' })
  const running = Array.from({ length: workers }, start)
  const docket = createDocket({ graphs: [register], store: openStore(address), takeOver: false, name: 'clients' })
  const history: Operated[] = []
  const violations: string[] = []
  const until = performance.now() + forMs
  let kills = 0
  try {
    const id = `register-${seed}`
    // A start runs where it is called; here nothing is to run.
    await docket.start(register, State, { Start: { value: 0, turn: 0 } }, { id })
    await docket.close({ deadline: 0 })
    const sender = createDocket({ graphs: [], store: openStore(address), takeOver: false, name: 'senders' })
    const handle = (await sender.get(id))!
    const operate = async (
      operation: string,
      kind: (typeof kinds)[number],
      amount: number,
    ): Promise<Operated['answer']> => {
      for (;;) {
        try {
          return await handle.update(Operation, { kind, amount }, { id: operation, timeout: '3s' })
        } catch (error) {
          if (!(error instanceof UpdateError && error.code === 'UPDATE_TIMEOUT')) throw error
        }
      }
    }
    const client = async (name: number): Promise<void> => {
      for (let count = 0; performance.now() < until; count++) {
        const operation = `${name}-${count}`
        const kind = kinds[Math.floor(random() * kinds.length)]!
        const amount = Math.floor(random() * 1_000)
        const calledAt = performance.now()
        if (random() < 0.05) {
          const code = await handle.update(Operation, { kind, amount: -1 }, { id: `${operation} bad` }).then(
            () => 'accepted',
            (error: UpdateError) => error.code,
          )
          if (code !== 'UPDATE_REJECTED') violations.push(`${operation} bad was ${code}`)
        }
        // Some are sent twice at once, as by a client whose first connection seemed to be gone.
        const twice = random() < 0.2 ? operate(operation, kind, amount) : undefined
        const answer = await operate(operation, kind, amount)
        history.push({ id: operation, kind, amount, calledAt, answeredAt: performance.now(), answer })
        const again = await (twice ?? operate(operation, kind, amount))
        if (again.turn !== answer.turn) violations.push(`${operation} has the turns ${answer.turn} and ${again.turn}`)
      }
    }
    const killer = async (): Promise<void> => {
      while (performance.now() < until - 1_000) {
        await sleep(500 + random() * 1_000)
        const victim = Math.floor(random() * workers)
        running[victim]!.kill('SIGKILL')
        kills++
        running[victim] = start()
      }
    }
    await Promise.all([...Array.from({ length: clients }, (_, name) => client(name)), killer()])
    await handle.signal(Close, true)
    const last = (await handle.result()) as { readonly value: number; readonly turn: number }
    violations.push(...violationsOf(history))
    if (last.turn !== history.length) violations.push(`${history.length} were answered, and ${last.turn} were done`)
    await sender.close()
  } finally {
    for (const one of running) one.kill('SIGKILL')
  }
  return { operations: history.length, kills, violations }
}
