import { expect, test } from 'vitest'
import type { Store } from '../../../src/core/contracts/store.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'
import { Approved, minute, reportGraphs } from './reports.ts'

/** A store of which some calls wait until they may go on. */
function heldStore(world: World, method: keyof Store) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const state = { isHolding: false, held: 0, goOn: resolve }
  const store = alteredStore(world.store, async (called, ask) => {
    if (called === method && state.isHolding) {
      state.held++
      await promise
    }
    return ask()
  })
  return { store, state }
}

test('what fires while its schedule is deleted and declared anew leaves the new one as it is', async () => {
  const world = new World()
  const { approvals } = reportGraphs()
  const { store, state } = heldStore(world, 'changeSchedules')
  const slow = world.process({ graphs: [approvals], store })
  const declared = { graph: approvals, target: Approved, inputs: {} }
  await world.clock.settle(slow.schedule('s', { ...declared, every: '1m' }))
  state.isHolding = true
  // It has started the execution, and is about to move the schedule.
  while (state.held === 0) await world.clock.advance(500)
  const other = world.process({ graphs: [approvals], work: false })
  await world.clock.settle(other.schedules.delete('s'))
  await world.clock.settle(other.schedule('s', { ...declared, every: '1d' }))
  state.goOn()
  await world.clock.advance(1_000)
  expect(await world.clock.settle(other.schedules.get('s'))).toMatchObject({ started: 0 })
})

test('a nominal time that waits since a backfill was decided is not lost to the one of the backfill: one of the two counts as skipped', async () => {
  const world = new World()
  const { approvals } = reportGraphs()
  const { store, state } = heldStore(world, 'changeSchedules')
  const filling = world.process({ graphs: [approvals], store, work: false })
  const firing = world.process({ graphs: [approvals] })
  const declared = { graph: approvals, target: Approved, inputs: {}, every: '1m', overlap: 'bufferOne' } as const
  const from = new Date(world.clock.now())
  await world.clock.settle(firing.schedule('s', declared))
  await world.clock.advance(minute)
  await world.clock.settle(firing.schedules.pause('s'))
  await world.clock.advance(minute)
  await world.clock.settle(firing.schedules.resume('s'))
  state.isHolding = true
  const backfill = filling.schedules.backfill('s', { from, to: new Date(world.clock.now()), overlap: 'bufferOne' })
  await world.clock.advance(100)
  expect(state.held).toBe(1)
  await world.clock.advance(minute)
  state.goOn()
  const made = await world.clock.settle(backfill)
  expect(made).toMatchObject({ started: 0, skipped: 1 })
  expect(await world.clock.settle(firing.schedules.get('s'))).toMatchObject({ started: 1, skipped: 1 })
})
