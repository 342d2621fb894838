import { describe, expect, test } from 'vitest'
import { spawnWorker } from './child-worker.ts'
import { signupSteps } from './drawn-steps.ts'
import { dataType, step, type, workflow } from '../../src/index.ts'
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

  test('has a node of another queue done by a worker that only has its steps', async () => {
    const Text = dataType('Text', type<string>())
    const photo = step({ name: 'photo', inputs: { name: Text }, output: Text, run: ({ name }) => `photo of ${name}` })
    const shrink = step({
      name: 'shrink',
      results: { photo: Text },
      output: Text,
      run: (_, { results, executionId }) => `${executionId}: ${results.photo}, small`,
    })
    const place = await newPlace(kind)
    const { docket } = startProcess(place, { graphs: [], steps: [photo, shrink], work: { default: 2 } })
    startProcess(place, { graphs: [], steps: [photo, shrink], work: { gpu: 1 } })
    const flow = workflow('album')
      .add('photo', photo, { name: 'a cat' })
      .add('small', shrink, {}, { dependsOn: ['photo'], queue: 'gpu' })
    expect((await docket.execute(flow, { id: 'x' })).small).toBe('x/small: photo of a cat, small')
  })
})
