import { describe, expect, test, vi } from 'vitest'
import { spawnWorker } from './child-worker.ts'
import { Bell, family } from './families.ts'
import { placeMaker, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'

const newPlace = await placeMaker()
const patience = { timeout: 20_000, interval: 50 }

describe.each(storeKinds)('a child on %s', (kind) => {
  test('is one, and is joined, whenever the processes of its parent and its own are killed', async () => {
    const place = await newPlace(kind)
    const worker = (order: object) => spawnWorker({ address: place.address, ...order }, {}, 'family-process.ts')
    // One dies as soon as the child is created, the other while it waits for the child.
    const creator = worker({ id: 'made', diesOnceCreated: true })
    const joiner = worker({ id: 'joined' })
    await Promise.all([creator.exit, joiner.said('Bell of joined/Ship waits')])
    expect(creator.lines).toContain('Weigh of made')
    expect(creator.lines).not.toContain('Pack of made/Ship')
    joiner.kill()
    await joiner.exit
    // Another process goes on with the children alone, and one more with their parents.
    const carrier = worker({})
    await Promise.all([carrier.said('Bell of made/Ship waits'), carrier.said('joined/Ship goes on')])
    const calls: string[] = []
    const { orders } = family((name, id) => void calls.push(`${name} of ${id}`))
    const { docket } = startProcess(place, { graphs: [orders] })
    const results = ['made', 'joined'].map(async (id) => (await docket.get(id))!.result())
    await vi.waitFor(async () => {
      for (const id of ['made', 'joined'])
        expect((await (await docket.get(id))!.details()).steps).toContainEqual(
          expect.objectContaining({
            step: 'Ship',
            waitsFor: { kind: 'child', execution: `${id}/Ship`, until: undefined },
          }),
        )
    }, patience)
    expect(calls).toEqual([])
    for (const id of ['made', 'joined'])
      expect(await (await docket.get(`${id}/Ship`))!.signal(Bell, 'Ada')).toBe('accepted')
    await Promise.all(['made', 'joined'].map((id) => carrier.said(`HandOver of ${id}/Ship`)))
    // The children's process is killed while they work, and their parents wait elsewhere.
    carrier.kill()
    expect(await Promise.all(results)).toEqual(['bill: 4 g for Ada', 'bill: 4 g for Ada'])
    expect(calls.toSorted()).toEqual(['HandOver of joined/Ship', 'HandOver of made/Ship'])
    for (const id of ['made', 'joined'])
      expect((await docket.list({ parent: id })).executions).toMatchObject([{ id: `${id}/Ship`, status: 'completed' }])
    expect(carrier.lines.filter((line) => line.startsWith('Pack'))).toEqual(['Pack of made/Ship'])
  })

  test('takes its parent along that was cancelled, where their process is killed before the parent has ended', async () => {
    const place = await newPlace(kind)
    const order = { address: place.address, id: 'cut', diesOnceCancelled: true }
    const worker = spawnWorker(order, {}, 'family-process.ts')
    await worker.exit
    expect(worker.lines).toContain('Bell of cut/Ship waits')
    const { orders } = family(() => {})
    const { docket } = startProcess(place, { graphs: [orders] })
    const [parent, child] = await Promise.all(['cut', 'cut/Ship'].map(async (id) => (await docket.get(id))!))
    await expect(parent!.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED', executionId: 'cut' })
    await expect(child!.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  })
})
