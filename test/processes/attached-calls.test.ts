import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError, ExecutionConflictError, dataType, graph, step, type } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { spawnWorker } from './child-worker.ts'
import { placeMaker, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'
import { First, relay, Second } from './relay.ts'

const newPlace = await placeMaker()
const inputs = { Seed: 1 }

/** The relay, whose first step has got another name. */
function renamedRelay() {
  const seed = dataType('Seed', type<number>())
  const first = step({
    name: 'TheFirst',
    inputs: { value: seed },
    output: First,
    persist: 'execution',
    run: ({ value }) => value + 1,
  })
  return graph({ name: 'relay', steps: [first, relay().relay.steps[1]] })
}

describe.concurrent.each(storeKinds)('on %s, a process is killed, and a changed program starts at once', (kind) => {
  test('calls that attach to what it has left settle: by what does not fit, and by their signals', async ({
    onTestFinished,
  }) => {
    const place = await newPlace(kind)
    const worker = spawnWorker(
      { address: place.address, id: 'a', secondMs: 60_000, lease: '3s' },
      {},
      'worker-process.ts',
      onTestFinished,
    )
    await worker.said('began Second')
    worker.kill()
    await worker.exit
    const changed = renamedRelay()
    const { docket } = startProcess(place, { graphs: [changed] }, onTestFinished)
    const signal = AbortSignal.timeout(300)
    const [aborted, ...misfits] = await Promise.all([
      rejectionOf(docket.execute(changed, Second, inputs, { id: 'a', signal })),
      rejectionOf(docket.execute(changed, Second, inputs, { id: 'a' })),
      rejectionOf(docket.start(changed, Second, inputs, { id: 'a' }).then((handle) => handle.result())),
      rejectionOf(docket.get('a').then((handle) => handle!.result())),
    ])
    expect(aborted).toBeInstanceOf(ExecutionCancelledError)
    for (const error of misfits) {
      expect(error).toBeInstanceOf(ExecutionConflictError)
      expect(String(error)).toContain('step "First" has a result, but the graph has no such step any more')
    }
    await docket.cancel('a')
    expect(await (await docket.get('a'))!.details()).toMatchObject({ status: 'cancelled' })
  })
})
