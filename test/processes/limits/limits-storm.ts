import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import { childProgram } from '../../child-program.ts'
import { openStore } from '../store-address.ts'
import type { StoreAddress } from '../store-address.ts'
import { limitedGraph } from './limited-process.ts'
import type { LimitedOrder } from './limited-process.ts'

/** What is to happen. */
export interface StormPlan {
  readonly address: StoreAddress
  /** A file of its own. */
  readonly log: string
  readonly seed: number
  readonly processes: number
  /** Executions of each process that is started. */
  readonly each: number
  readonly kills: number
  readonly limit: number
  readonly by: LimitedOrder['by']
  readonly stepMs: number
}

/** What was seen. */
export interface StormFindings {
  /** The most that ran at the same time under one key. */
  readonly most: number
  /** The most since the last process was killed. */
  readonly mostAtTheEnd: number
  /** Executions that have not completed. */
  readonly unfinished: readonly string[]
  /** How many keys have something in the store at the end. */
  readonly left: number
}

/** Processes that share a limit are killed at random times, and others take their places. */
export async function limitsStorm(plan: StormPlan): Promise<StormFindings> {
  const random = mulberry(plan.seed)
  writeFileSync(plan.log, '')
  const all: string[] = []
  let count = 0
  const begin = async (): Promise<Child> => {
    const starts = Array.from({ length: plan.each }, () => `${random() < 0.7 ? 'A' : 'B'}${count++}`)
    all.push(...starts)
    const { address, log, limit, by, stepMs } = plan
    return startChild({ address, log, starts, limit, by, stepMs })
  }
  const children = await Promise.all(Array.from({ length: plan.processes }, begin))
  for (let kill = 0; kill < plan.kills; kill++) {
    await sleep(200 + random() * 1_200)
    const [victim] = children.splice(Math.floor(random() * children.length), 1)
    await victim!.kill()
    // From now on it is dead: what it had is over.
    appendFileSync(plan.log, `x ${victim!.pid} -\n`)
    children.push(await begin())
  }
  const unfinished = await untilCompleted(plan, all)
  for (const child of children) await child.kill()
  return { ...countRunning(readFileSync(plan.log, 'utf8')), unfinished, left: await leftIn(plan.address) }
}

interface Child {
  readonly pid: number
  kill(): Promise<void>
}

async function startChild(order: LimitedOrder): Promise<Child> {
  const program = childProgram(join(import.meta.dirname, 'limited-process.ts'))
  const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const started = new Promise<void>((resolve) => {
    createInterface(child.stdout).on('line', (line) => line === 'started' && resolve())
  })
  await Promise.race([started, exit])
  return {
    pid: child.pid!,
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

/** A process that runs nothing looks until all have completed. */
async function untilCompleted(plan: StormPlan, ids: readonly string[]): Promise<readonly string[]> {
  const { graph } = limitedGraph(plan, () => {})
  await using docket = createDocket({ graphs: [graph], store: openStore(plan.address), takeOver: false })
  let open = ids
  for (const until = Date.now() + 60_000; open.length > 0 && Date.now() < until; await sleep(100)) {
    const looked = await Promise.all(open.map(async (id) => (await (await docket.get(id))?.details())?.status))
    open = open.filter((_, index) => looked[index] !== undefined && looked[index] !== 'completed')
  }
  return open
}

async function leftIn(address: StoreAddress): Promise<number> {
  const store = openStore(address)
  await store.open()
  try {
    return (await store.oldShared(8e15, 100)).length
  } finally {
    await store.close()
  }
}

/** The most that ran at the same time under one key, by the lines of the file. */
function countRunning(log: string): Pick<StormFindings, 'most' | 'mostAtTheEnd'> {
  const running = new Map<string, Set<string>>()
  let most = 0
  let mostAtTheEnd = 0
  for (const line of log.split('\n')) {
    const [what, pid, name] = line.split(' ')
    if (what === 'x') {
      for (const names of running.values()) for (const one of names) if (one.startsWith(`${pid} `)) names.delete(one)
      mostAtTheEnd = 0
      continue
    }
    if (name === undefined) continue
    const names = running.get(name[0]!) ?? new Set<string>()
    running.set(name[0]!, names)
    if (what === '+') names.add(`${pid} ${name}`)
    else names.delete(`${pid} ${name}`)
    most = Math.max(most, names.size)
    mostAtTheEnd = Math.max(mostAtTheEnd, names.size)
  }
  return { most, mostAtTheEnd }
}

/** Numbers from a seed. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
