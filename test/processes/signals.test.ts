import { describe, expect, test, vi } from 'vitest'
import { graph, timer } from '../../src/index.ts'
import type { Duration } from '../../src/index.ts'
import { Approval, approvals, Expiry, Shipment } from './approvals.ts'
import { spawnWorker } from './child-worker.ts'
import type { ChildWorker } from './child-worker.ts'
import { placeMaker, storeKinds } from './place.ts'
import type { Place } from './place.ts'
import { startProcess } from './processes.ts'
import type { AtEnd } from './processes.ts'

const newPlace = await placeMaker()
const patience = { timeout: 15_000, interval: 50 }
const inputs = { Order: { id: 'o' } }

/** One that lives on, however busy the machine is, and one that is killed, and soon known to be dead. */
function twoProcesses({ address }: Place, atEnd: AtEnd): readonly [alive: ChildWorker, killed: ChildWorker] {
  const waiting = (id: string, lease: Duration): ChildWorker =>
    spawnWorker({ address, id, lease }, {}, 'waiting-process.ts', atEnd)
  return [waiting('alive', '30s'), waiting('killed', '3s')]
}

describe.concurrent.each(storeKinds)('a message on %s', (kind) => {
  test('reaches an execution that waits in another process, while it lives and after it was killed', async ({
    onTestFinished,
  }) => {
    const place = await newPlace(kind)
    const [alive, killed] = twoProcesses(place, onTestFinished)
    await Promise.all([alive.said('waits'), killed.said('waits')])
    killed.kill()
    await killed.exit
    const { docket } = startProcess(place, { graphs: [], takeOver: false }, onTestFinished)
    const live = await (await docket.get('alive'))!.details({ live: '10s' })
    // There is no record of it, and this docket does not know the graph.
    expect(live.steps.find(({ step }) => step === 'Ship')).toMatchObject({
      status: 'pending',
      waitsFor: { kind: 'inputs', steps: ['Decide'] },
    })
    const handles = [(await docket.get('alive'))!, (await docket.get('killed'))!] as const
    for (const handle of handles) expect(await handle.signal(Approval, { by: 'Ada' }, { id: 'one' })).toBe('accepted')
    // Nobody has read the first one: the process that would is gone.
    expect(await handles[1].signal(Approval, { by: 'Bo' })).toBe('duplicate')
    await alive.said('result o for Ada')
    const other = startProcess(place, { graphs: [approvals] }, onTestFinished).docket
    const handle = (await other.get('killed'))!
    expect(await handle.result()).toBe('o for Ada')
    expect(await handle.signal(Approval, { by: 'Ada' }, { id: 'one' })).toBe('accepted')
    expect(await handle.signal(Approval, { by: 'Cy' })).toBe('ended')
  })

  test('moves a timer in a process that lives, and in one that was killed', async ({ onTestFinished }) => {
    const place = await newPlace(kind)
    const [alive, killed] = twoProcesses(place, onTestFinished)
    await Promise.all([alive.said('waits'), killed.said('waits')])
    const { docket } = startProcess(place, { graphs: [], takeOver: false }, onTestFinished)
    const dueAt = new Date(Date.now() + 1_000)
    const handle = (await docket.get('alive'))!
    expect(await handle.reschedule('Expire', dueAt)).toBe('accepted')
    const other = (await docket.get('killed'))!
    expect(await other.reschedule('Expire', '2h')).toBe('accepted')
    killed.kill()
    await killed.exit
    expect(await other.reschedule('Expire', dueAt)).toBe('accepted')
    await alive.said('result o expired')
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt.getTime())
    expect(await handle.reschedule('Expire', '1h')).toBe('ended')
    const heir = startProcess(place, { graphs: [approvals] }, onTestFinished).docket
    expect(await (await heir.get('killed'))!.result()).toBe('o expired')
  })

  test('that comes with a start is there when the process is killed at once', async ({ onTestFinished }) => {
    const place = await newPlace(kind)
    const first = startProcess(place, { graphs: [approvals] }, onTestFinished)
    const signals = { Approval: { by: 'Ada' } }
    const handle = await first.docket.start(approvals, Shipment, inputs, { id: 'a', signals })
    first.die()
    expect(handle.id).toBe('a')
    const { docket } = startProcess(place, { graphs: [approvals] }, onTestFinished)
    const found = await vi.waitFor(async () => (await docket.get('a'))!, patience)
    expect(await found.result()).toBe('o for Ada')
  })

  test('wakes an execution that is parked, and so does its due time: nothing of it runs again', async ({
    onTestFinished,
  }) => {
    const place = await newPlace(kind)
    const first = startProcess(place, { graphs: [approvals], park: '200ms', lease: '30s' }, onTestFinished)
    const handle = await first.docket.start(approvals, Shipment, inputs, { id: 'a' })
    const second = await first.docket.start(approvals, Shipment, inputs, { id: 'b' })
    const isParked = async (id: string): Promise<void> => {
      const { status, owner, situation } = await (await first.docket.get(id))!.details()
      expect({ status, owner, situation }).toMatchObject({
        status: 'waiting',
        owner: undefined,
        situation: expect.stringContaining('it is parked') as string,
      })
    }
    await vi.waitFor(() => isParked('a'), patience)
    await vi.waitFor(() => isParked('b'), patience)
    expect((await first.docket.list({ status: 'waiting' })).executions).toHaveLength(2)
    const other = startProcess(place, { graphs: [], takeOver: false }, onTestFinished)
    expect(await (await other.docket.get('a'))!.signal(Approval, { by: 'Ada' })).toBe('accepted')
    expect(await handle.result()).toBe('o for Ada')
    await second.cancel()
    expect((await (await other.docket.get('b'))!.details()).status).toBe('cancelled')
    const short = graph({ name: 'short', steps: [timer({ name: 'Expire', output: Expiry, after: '2s' })] })
    const third = startProcess(place, { graphs: [short], park: '200ms', lease: '30s' }, onTestFinished)
    const startedAt = Date.now()
    const timed = await third.docket.start(short, Expiry, {}, { id: 'c' })
    const { dueAt } = await timed.result()
    expect(dueAt.getTime()).toBeGreaterThanOrEqual(startedAt + 1_900)
    expect(third.events.map(({ type }) => type)).toContain('execution.resumed')
    expect(third.events).toContainEqual(expect.objectContaining({ type: 'execution.released', cause: 'park' }))
    expect(third.acquired).toEqual(['c'])
  })
})
