/** A process of its own with a docket on a store; it says on its output what its steps do, until somebody kills it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../src/index.ts'
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
  /** How long its first step takes, in milliseconds. @default 50 */
  readonly firstMs?: number
  /** @default '1s' */
  readonly lease?: string
}

if (import.meta.main) {
  const { address, id, secondMs, overrides, firstMs = 50, lease = '1s' } = JSON.parse(process.argv[2]!) as WorkerOrder
  const { relay: graph } = relay({
    first: (value) => told('First', value, firstMs),
    second: (value) => told('Second', value, secondMs),
  })
  const docket = createDocket({ graphs: [graph], store: openStore(address), lease })
  const inputs = { Seed: 1 }
  const value = await (overrides === undefined
    ? docket.execute(graph, Second, inputs, { id })
    : docket.execute(graph, Second, inputs, { id, overrides }))
  process.stdout.write(`result ${value}\n`)
  await docket.close()
}

async function told(name: string, value: number, ms: number): Promise<number> {
  process.stdout.write(`began ${name}\n`)
  await sleep(ms)
  process.stdout.write(`did ${name}\n`)
  return value + 1
}
