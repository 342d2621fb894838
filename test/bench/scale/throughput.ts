import { createDocket } from '../../../src/index.ts'
import { livingOwner, scaleGraph } from './fixtures.ts'
import type { Filled } from './filled.ts'
import { stallDuring } from './stalls.ts'
import type { Stall } from './stalls.ts'

/** How long something took for how many, and how long the event loop stood still at most. */
export interface Measured {
  readonly count: number
  readonly ms: number
  readonly stall: Stall
}

const listPage = 1_000
const patienceMs = 120_000

/** All pages of `list`. */
export async function measureList({ docket }: Filled): Promise<Measured> {
  const { value, ...list } = await stallDuring(async () => {
    let seen = 0
    for (let after: string | undefined; ;) {
      const page = await docket.list({ limit: listPage, after })
      seen += page.executions.length
      if (page.next === undefined) return seen
      after = page.next
    }
  })
  return { count: value, ...list }
}

/** `purge` of all that have ended. */
export async function measurePurge({ docket, finished }: Filled): Promise<Measured> {
  const { value, ...purge } = await stallDuring(() => docket.purge({ olderThan: 0 }))
  if (value < finished) throw new Error(`${value} purged of ${finished}`)
  return { count: value, ...purge }
}

/** With slots for all of them, until so many executions of a dead owner run here, and until they have ended. */
export async function measureTakeOver(
  filled: Filled,
  count: number,
  prefix = 'held',
): Promise<{ readonly takeOver: Measured; readonly end: Measured }> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: haveBegun, resolve: allBegun } = Promise.withResolvers<void>()
  const { promise: haveEnded, resolve: allEnded } = Promise.withResolvers<void>()
  let begun = 0
  let ended = 0
  filled.steps.work = () => {
    if (++begun === count) allBegun()
    return released
  }
  filled.steps.onEnd = () => {
    if (++ended === count) allEnded()
  }
  await leave(filled, prefix, count)
  const takeOver = await stallDuring(async () => {
    await filled.docket.resume()
    await within(haveBegun, () => `${begun} of ${count} have begun`)
  })
  const end = await stallDuring(() => {
    release()
    return within(haveEnded, () => `${ended} of ${count} have ended`)
  })
  filled.steps.work = () => {}
  filled.steps.onEnd = () => {}
  return { takeOver: { count, ms: takeOver.ms, stall: takeOver.stall }, end: { count, ms: end.ms, stall: end.stall } }
}

/** With a hundred slots, as by default: from `createDocket` until so many executions of a dead owner have run to their end. */
export async function measureWorkOff(filled: Filled, count: number, prefix = 'short'): Promise<Measured> {
  await leave(filled, prefix, count)
  const { promise: haveEnded, resolve: allEnded } = Promise.withResolvers<void>()
  let ended = 0
  const { graph } = scaleGraph(undefined, () => {
    if (++ended === count) allEnded()
  })
  await using docket = createDocket({ graphs: [graph], store: filled.again })
  const { ms, stall } = await stallDuring(() => within(haveEnded, () => `${ended} of ${count} have ended in ${docket}`))
  return { count, ms, stall }
}

/** Executions whose owner has just died. */
async function leave(filled: Filled, prefix: string, count: number): Promise<void> {
  const owner = await livingOwner(filled.store, `${prefix} by the dead`)
  await filled.put({ prefix, count, from: Date.now() - count - 60_000, owner })
  await filled.store.endOwner(owner)
}

async function within(promise: Promise<void>, state: () => string): Promise<void> {
  const { promise: isOver, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`after ${patienceMs} ms ${state()}`)), patienceMs)
  try {
    await Promise.race([promise, isOver])
  } finally {
    clearTimeout(timer)
  }
}
