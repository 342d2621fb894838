import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { rejectionOf } from '../loose-api.ts'
import { spawnWorker } from './child-worker.ts'
import { placeMaker, sqlKinds, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'
import { relay, Second } from './relay.ts'

const newPlace = await placeMaker()
const inputs = { Seed: 1 }

describe.each(storeKinds)('on %s', (kind) => {
  test('a cancellation that was confirmed survives the death of the owner that was about to write the end', async () => {
    const place = await newPlace(kind)
    const worker = spawnWorker({ address: place.address, id: 'a', secondMs: 60_000, diesAtEnd: 'cancelled' })
    await worker.said('began Second')
    const healthy = relay()
    const { docket } = startProcess(place, { graphs: [healthy.relay] })
    await docket.cancel('a', new Error('the customer withdrew'))
    await worker.exit
    const error = await rejectionOf((await docket.get('a'))!.result())
    expect(error).toMatchObject({ code: 'EXECUTION_CANCELLED', cause: { message: 'the customer withdrew' } })
    expect(healthy.runs).toEqual([])
  })
})

describe.each(sqlKinds)('on %s', (kind) => {
  test('the handle of a start in a transaction waits until that is committed', async () => {
    const place = await newPlace(kind)
    const { relay: graph } = relay()
    const { docket } = startProcess(place, { graphs: [graph] })
    await docket.list()
    const { store, client, end } = await place.beginTransaction()
    const inside = startProcess({ ...place, createStore: () => store }, { graphs: [graph], takeOver: false }).docket
    const handle = await inside.start(graph, Second, inputs, { id: 'a', transaction: client })
    const onSettled = vi.fn<() => void>()
    const result = handle.result().finally(onSettled)
    await sleep(300)
    expect(onSettled).not.toHaveBeenCalled()
    await end('commit')
    expect(await result).toBe(3)
  })
})
