import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, killAll } from './child-processes.ts'
import { lastWords, startGuarded, temporaryFolder } from './guarded-process.ts'
import type { GuardedProcess } from './guarded-process.ts'
import type { StartOrder } from './guard.ts'

/** A server of one's own: nobody else uses it, and it ends with the process that started it at the latest. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Holds its data and its log. */
  readonly folder: string
  /** Process id of the one that runs now, or ran last. */
  readonly pid: number
  /** Ends it well if it runs, and starts it again with the same data, on the same port. Also after `kill`. */
  restart(): Promise<void>
  /** SIGKILL: like a crash. What it had not written is lost. */
  kill(): Promise<void>
  /** Ends it and removes its data. Twice is fine. */
  stop(): Promise<void>
}

/** What one kind of server needs. */
export interface ServerKind {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Makes the data folder ready, once. */
  prepare?(folder: string): Promise<void>
  command(folder: string): Omit<StartOrder, 'type' | 'id' | 'log'>
  /** Ends it well. */
  readonly goodSignal: NodeJS.Signals
  /** Connects and asks for something; throws as long as it isn't ready. */
  check(): Promise<void>
}

const patienceMs = 60_000

/** Starts a server in a fresh folder; ready when it resolves. */
export async function startServer(kind: ServerKind): Promise<TestServer> {
  const folder = temporaryFolder(kind.name)
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  let running: GuardedProcess
  try {
    await kind.prepare?.(folder)
    running = await start(kind, folder)
  } catch (error) {
    remove()
    throw error
  }
  const stop = async (): Promise<void> => {
    await running.end(kind.goodSignal)
    remove()
  }
  return {
    url: kind.url,
    port: kind.port,
    folder,
    get pid() {
      return running.pid
    },
    async restart() {
      await running.end(kind.goodSignal)
      running = await start(kind, folder)
    },
    async kill() {
      // PostgreSQL's processes of connections outlive it by a moment, in which they would still answer.
      const children = childrenOf(running.pid)
      await running.end('SIGKILL')
      await killAll(children)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function start(kind: ServerKind, folder: string): Promise<GuardedProcess> {
  const log = `${folder}/server.log`
  const deadline = Date.now() + patienceMs
  for (;;) {
    const server = await startGuarded({ ...kind.command(folder), log })
    try {
      await becomeReady(kind, server, deadline)
      return server
    } catch (error) {
      await server.end('SIGKILL')
      // After a crash the old one's children may still hold its files for a moment.
      if (!(error instanceof EndedEarly) || Date.now() > deadline - patienceMs + 10_000) throw error
      await sleep(100)
    }
  }
}

class EndedEarly extends Error {}

async function becomeReady(kind: ServerKind, server: GuardedProcess, deadline: number): Promise<void> {
  for (;;) {
    if (server.hasExited) throw new EndedEarly(`${kind.name} ended while it started:\n${lastWords(server.log)}`)
    try {
      await kind.check()
      // Who answers could be a stranger on the same port.
      if (!server.hasExited) return
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Error(`${kind.name} is not ready after ${patienceMs} ms:\n${lastWords(server.log)}`, { cause: error })
      }
      await sleep(20)
    }
  }
}
