import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { fill, livingOwner, scaleGraph, templateOf } from './fixtures.ts'
import { stallDuring } from './stalls.ts'
import type { Stall } from './stalls.ts'

/** How long something took for how many, and how long the event loop stood still at most. */
export interface Measured {
  readonly count: number
  readonly ms: number
  readonly stall: Stall
}

const listPage = 1_000

/** All pages of `list`, then `purge`, over so many executions that have ended. */
export async function measureListAndPurge(
  kind: StoreKind,
  places: Places,
  count: number,
): Promise<{ readonly list: Measured; readonly purge: Measured }> {
  const name = freshName('listed')
  const template = await templateOf(openStore(kind, places, name))
  const store = openStore(kind, places, name)
  const { graph } = scaleGraph()
  await using docket = createDocket({ graphs: [graph], store, takeOver: false })
  await docket.list({ limit: 1 })
  await fill(store, template, { prefix: 'x', count, from: Date.now() - 2 * count - 60_000 })
  const list = await stallDuring(async () => {
    let seen = 0
    for (let after: string | undefined; ;) {
      const page = await docket.list({ limit: listPage, after })
      seen += page.executions.length
      if (page.next === undefined) return seen
      after = page.next
    }
  })
  const purge = await stallDuring(() => docket.purge({ olderThan: 0 }))
  if (list.value !== count || purge.value !== count)
    throw new Error(`${list.value} listed and ${purge.value} purged of ${count}`)
  return {
    list: { count, ms: list.ms, stall: list.stall },
    purge: { count, ms: purge.ms, stall: purge.stall },
  }
}

/** From `createDocket` until so many executions of a dead owner run here, and until they have ended. */
export async function measureTakeOver(
  kind: StoreKind,
  places: Places,
  count: number,
): Promise<{ readonly takeOver: Measured; readonly end: Measured }> {
  const name = freshName('left')
  const template = await templateOf(openStore(kind, places, name))
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: haveBegun, resolve: allBegun } = Promise.withResolvers<void>()
  let begun = 0
  const { graph } = scaleGraph(() => {
    if (++begun === count) allBegun()
    return released
  })
  const store = openStore(kind, places, name)
  await using docket = createDocket({ graphs: [graph], store, takeOver: false, work: { default: count } })
  await docket.list({ limit: 1 })
  const owner = await livingOwner(store, 'dead soon')
  await fill(store, template, { prefix: 'x', count, from: Date.now() - count - 60_000, owner })
  await store.endOwner(owner)
  await sleep(100)
  const takeOver = await stallDuring(async () => {
    await docket.resume()
    await haveBegun
  })
  const end = await stallDuring(async () => {
    release()
    for (;;) {
      const { executions } = await docket.list({ status: 'running', limit: 1 })
      if (executions.length === 0) return
      await sleep(20)
    }
  })
  return { takeOver: { count, ms: takeOver.ms, stall: takeOver.stall }, end: { count, ms: end.ms, stall: end.stall } }
}
