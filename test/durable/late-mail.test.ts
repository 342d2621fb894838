import { expect, test } from 'vitest'
import { graph, signal } from '../../src/index.ts'
import { expectNoUnhandledErrors, text } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door } from './line.ts'
import { WatchedStore } from './watched-store.ts'

expectNoUnhandledErrors()

const Approval = text('Approval')
const approvals = graph({ name: 'approvals', steps: [signal(Approval)] })

test('a message that was read before its execution was deleted is none to the one that is started anew under its id', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const worker = world.process({ graphs: [approvals], store: watched.store })
  const other = world.process({ graphs: [approvals], takeOver: false })
  const first = await world.clock.settle(worker.start(approvals, Approval, {}, { id: 'x' }))
  const gone = first.result().catch(() => {})
  await world.clock.advance(1_000)
  const gate = door<void>()
  let isHeld = false
  watched.after = async ({ name }) => {
    if (name !== 'readMail' || isHeld) return
    isHeld = true
    await gate.promise
  }
  expect(await world.clock.settle((await other.get('x'))!.signal(Approval, 'old'))).toBe('accepted')
  await world.clock.advance(1_000)
  expect(isHeld).toBe(true)
  await world.clock.settle(worker.delete('x'))
  await gone
  const second = await world.clock.settle(worker.start(approvals, Approval, {}, { id: 'x' }))
  gate.resolve()
  await world.clock.advance(1_000)
  expect(await world.clock.settle(second.details())).toMatchObject({ status: 'waiting' })
  expect(await world.clock.settle((await other.get('x'))!.signal(Approval, 'new'))).toBe('accepted')
  expect(await world.clock.settle(second.result())).toBe('new')
})
