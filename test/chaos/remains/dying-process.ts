/** A process that does one thing until it is killed, by itself or from outside. Says when it is ready, has begun a step, and what it counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import { openStore } from '../../processes/store-address.ts'
import type { StoreAddress } from '../../processes/store-address.ts'
import { deadlyGraphs, migrate } from './deadly-graphs.ts'
import { Fate } from './deadly-store.ts'
import { scenarios } from './deaths.ts'
import type { Death, Scenario } from './deaths.ts'

/** Long enough for a busy machine. */
export const dyingLeaseMs = 2_000

export interface DyingOrder {
  readonly address: StoreAddress
  readonly death: Death
  readonly id: string
  readonly seed: number
}

export type DyingReport = 'ready' | 'begun' | { readonly counts: Readonly<Record<string, number>> }

if (import.meta.main) {
  const { address, death, id, seed } = JSON.parse(process.argv[2]!) as DyingOrder
  const { act, isDeaf = false, stepMs = 30, isNew = false }: Scenario = scenarios[death.of]
  const report = (what: DyingReport): void => void process.send!(what)
  const fate = new Fate(death.at)
  const onBegun = (name: string): void => {
    report('begun')
    fate.onBegun(name)
  }
  const graphs = deadlyGraphs({ ms: stepMs, onBegun }, isNew)
  const store = fate.over(openStore(address), isDeaf)
  const docket = createDocket({
    graphs: Object.values(graphs),
    store,
    lease: dyingLeaseMs,
    name: 'dying',
    takeOver: false,
    ...(isNew && { migrate }),
  })
  await docket.list({ limit: 1 })
  process.once('disconnect', () => process.exit())
  process.once('message', () => {
    fate.begin()
    void act({ docket, store, graphs, id, seed })
      .catch(() => {})
      // What nobody waits for is on its way still.
      .then(() => sleep(20))
      .then(() => docket.close({ deadline: 0 }))
      .finally(() => {
        report({ counts: Object.fromEntries(fate.counts) })
        process.disconnect()
      })
  })
  report('ready')
}
