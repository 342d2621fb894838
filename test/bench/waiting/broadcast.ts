import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, event, eventType, graph, step, type } from '../../../src/index.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { inLanes } from './waiting-engine.ts'

/** Milliseconds from an emit until the step begins that waited for it, in each of so many parked executions. */
export async function broadcast({
  kind,
  places,
  count,
}: {
  readonly kind: StoreKind
  readonly places: Places
  readonly count: number
}): Promise<number[]> {
  const Key = dataType('Key', type<string>())
  const Begun = dataType('Begun', type<number>())
  const Opened = eventType('Opened', type<number>())
  const waits: number[] = []
  let start = 0
  const done = Promise.withResolvers<void>()
  const gates = graph({
    name: 'gates',
    steps: [
      event(Opened, { inputs: { key: Key }, key: ({ key }) => key }),
      step({
        name: 'Begin',
        inputs: { opened: Opened },
        output: Begun,
        persist: 'execution',
        run: async ({ opened }) => {
          if (waits.push(performance.now() - start) === count) done.resolve()
          return opened
        },
      }),
    ],
  })
  const store = openStore(kind, places, freshName('broadcast'))
  await using docket = createDocket({ graphs: [gates], store, park: 0 })
  const ids = Array.from({ length: count }, (_, index) => `gate-${index}`)
  await inLanes(count, 200, (index) => docket.start(gates, Begun, { Key: 'one' }, { id: ids[index]! }))
  while (!(await store.get(ids)).every((record) => record?.parkedAt !== undefined)) await sleep(50)
  start = performance.now()
  await docket.emit(Opened, 'one', 1)
  await done.promise
  return waits
}
