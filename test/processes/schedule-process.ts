/** A process of its own that fires schedules, and is killed right before a call of its store, if it is to be. */
import { createDocket } from '../../src/index.ts'
import { deathBefore, tickGraph } from './ticks.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

if (import.meta.main) {
  const { address, call } = JSON.parse(process.argv[2]!) as {
    readonly address: StoreAddress
    readonly call: string
  }
  const store = deathBefore(openStore(address), call)
  const { ticks } = tickGraph()
  createDocket({ graphs: [ticks], store, lease: '1s' })
  // Longer than it lives.
  setTimeout(() => {}, 60_000)
}
