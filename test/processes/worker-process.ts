/** A process of its own with a docket on a store; it says on its output what its steps do, until somebody kills it. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { createDocket } from '../../src/index.ts'
import { alteredStore } from '../durable/altered-store.ts'
import { relay, Second } from './relay.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

/** What it is told to do. */
export interface WorkerOrder {
  readonly address: StoreAddress
  readonly id: string
  /** How long its second step takes. */
  readonly secondMs: number
  /** Values in the place of steps. @default none */
  readonly overrides?: { readonly First: number }
  /** Whether its first step goes on until the process gets a SIGUSR2. @default false: it takes 50 ms */
  readonly isFirstHeld?: boolean
  /** It kills itself as it is about to write this end. @default never */
  readonly diesAtEnd?: 'cancelled'
  /** @default '1s' */
  readonly lease?: string
}

if (import.meta.main) {
  const {
    address,
    id,
    secondMs,
    overrides,
    isFirstHeld = false,
    lease = '1s',
    diesAtEnd,
  } = JSON.parse(process.argv[2]!) as WorkerOrder
  const { relay: graph } = relay({
    first: (value) => told('First', value, () => (isFirstHeld ? once(process, 'SIGUSR2') : sleep(50))),
    second: (value) => told('Second', value, () => sleep(secondMs)),
  })
  const docket = createDocket({
    graphs: [graph],
    store: diesAtEnd === undefined ? openStore(address) : deadlyStore(address, diesAtEnd),
    lease,
  })
  const inputs = { Seed: 1 }
  const value = await (overrides === undefined
    ? docket.execute(graph, Second, inputs, { id })
    : docket.execute(graph, Second, inputs, { id, overrides }))
  process.stdout.write(`result ${value}\n`)
  await docket.close()
}

function deadlyStore(address: StoreAddress, end: string): Store {
  return alteredStore(openStore(address), (method, ask, given) => {
    const isEnd =
      method === 'commit' && (given[0] as readonly ExecutionCommit[]).some(({ head }) => head?.status === end)
    if (isEnd) process.kill(process.pid, 'SIGKILL')
    return ask()
  })
}

async function told(name: string, value: number, work: () => Promise<unknown>): Promise<number> {
  const done = work()
  process.stdout.write(`began ${name}\n`)
  await done
  process.stdout.write(`did ${name}\n`)
  return value + 1
}
