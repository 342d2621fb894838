import { describe, expect, test, vi } from 'vitest'
import { Approval, approvals, Shipment } from './approvals.ts'
import { spawnWorker } from './child-worker.ts'
import { placeMaker, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'

const newPlace = await placeMaker()
const patience = { timeout: 15_000, interval: 20 }
const inputs = { Order: { id: 'o' } }

describe.each(storeKinds)('a signal on %s', (kind) => {
  test('reaches an execution that waits in another process, while it lives and after it was killed', async () => {
    const place = await newPlace(kind)
    const alive = spawnWorker({ address: place.address, id: 'alive' }, {}, 'waiting-process.ts')
    const killed = spawnWorker({ address: place.address, id: 'killed' }, {}, 'waiting-process.ts')
    await Promise.all([alive.said('waits'), killed.said('waits')])
    killed.kill()
    await killed.exit
    const { docket } = startProcess(place, { graphs: [], takeOver: false })
    for (const id of ['alive', 'killed']) {
      const handle = (await docket.get(id))!
      expect(await handle.signal(Approval, { by: 'Ada' }, { id: 'one' })).toBe('accepted')
      expect(await handle.signal(Approval, { by: 'Bo' })).toBe('duplicate')
    }
    await alive.said('result o for Ada')
    const other = startProcess(place, { graphs: [approvals] }).docket
    const handle = (await other.get('killed'))!
    expect(await handle.result()).toBe('o for Ada')
    expect(await handle.signal(Approval, { by: 'Ada' }, { id: 'one' })).toBe('accepted')
    expect(await handle.signal(Approval, { by: 'Cy' })).toBe('ended')
  })

  test('that comes with a start is there when the process is killed at once', async () => {
    const place = await newPlace(kind)
    const first = startProcess(place, { graphs: [approvals] })
    const signals = { Approval: { by: 'Ada' } }
    const handle = await first.docket.start(approvals, Shipment, inputs, { id: 'a', signals })
    first.die()
    expect(handle.id).toBe('a')
    const { docket } = startProcess(place, { graphs: [approvals] })
    const found = await vi.waitFor(async () => (await docket.get('a'))!, patience)
    expect(await found.result()).toBe('o for Ada')
  })
})
