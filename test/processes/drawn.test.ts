import { describe, expect, test } from 'vitest'
import { spawnWorker } from './child-worker.ts'
import { signupSteps } from './drawn-steps.ts'
import { placeMaker, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'

const newPlace = await placeMaker()

describe.each(storeKinds)('a workflow on %s', (kind) => {
  test('whose process is killed is finished by one that only has its steps, and has never seen the code that draws it', async () => {
    const place = await newPlace(kind)
    const orders = [
      { id: 'a', hangs: 'send sms', ways: ['sms'] },
      { id: 'bob', hangs: 'create', ways: ['post', 'pigeon', 'fax'] },
    ]
    const workers = orders.map((order) => spawnWorker({ address: place.address, ...order }, {}, 'drawn-process.ts'))
    await Promise.all(
      workers.flatMap((worker, index) => [worker.said(`${orders[index]!.hangs} 1`), worker.said('started')]),
    )
    for (const worker of workers) worker.kill()
    await Promise.all(workers.map(({ exit }) => exit))
    const calls: string[] = []
    const { docket, events } = startProcess(place, {
      graphs: [],
      steps: signupSteps((text) => void calls.push(text)).all,
    })
    const results = await Promise.all(orders.map(async ({ id }) => (await docket.get(id))!.result()))
    expect(results).toEqual([
      { create: 9, 'send sms': 'sms to 9', count: 1 },
      { create: 11, 'send post': 'post to 11', 'send pigeon': 'pigeon to 11', 'send fax': 'fax to 11', count: 3 },
    ])
    // What was done before a node began is not done again.
    expect(calls.toSorted()).toEqual(['create 2', 'send fax 1', 'send pigeon 1', 'send post 1', 'send sms 2'])
    expect(events.filter(({ type }) => type === 'execution.incompatible')).toEqual([])
    expect((await docket.list({ graph: 'signup' })).executions.map(({ id }) => id).toSorted()).toEqual(['a', 'bob'])
  })
})
