import { z } from 'zod'
import { dataType, graph, race, signal, step, timer } from '../../src/index.ts'
import type { DocketOptions, Duration } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { World } from './durable-time.ts'

export const Order = dataType('Order', z.object({ id: z.string() }))
const Prepared = dataType('Prepared', z.string())
export const Approval = dataType('Approval', z.object({ by: z.string() }))
export const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
export const Decision = dataType('Decision', z.string())
export const Shipment = dataType('Shipment', z.string())
export const inputs = { Order: { id: 'o' } }
export const minute = 60_000

/** An order that waits for its approval, for an hour at the most; what its functions are called for is noted. */
export function orders(
  runs: string[],
  more: { readonly prepare?: () => unknown; readonly ship?: () => string; readonly expireAfter?: Duration } = {},
) {
  return graph({
    name: 'orders',
    steps: [
      step({
        name: 'Prepare',
        inputs: { order: Order },
        output: Prepared,
        run: ({ order }) => {
          runs.push('Prepare')
          return (more.prepare?.() ?? `prepared ${order.id}`) as string
        },
      }),
      signal(Approval),
      timer({ name: 'Expire', output: Expiry, after: more.expireAfter ?? '1h' }),
      race({
        name: 'Decide',
        inputs: { approval: Approval, expiry: Expiry },
        output: Decision,
        run: (first) => (first.port === 'approval' ? `for ${first.value.by}` : 'expired'),
      }),
      step({
        name: 'Ship',
        inputs: { prepared: Prepared, decision: Decision },
        output: Shipment,
        run: ({ prepared, decision }) => {
          runs.push('Ship')
          return more.ship?.() ?? `${prepared}, ${decision}`
        },
      }),
    ],
  })
}

export async function parked(world: World, runs: string[] = [], options: Partial<DocketOptions> = {}) {
  const declared = orders(runs)
  const docket = world.process({ graphs: [declared], ...options })
  const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
  await world.clock.advance(11_000)
  return { declared, docket, handle }
}

export async function recordOf(world: World, id = 'a') {
  return (await world.store.get([id]))[0]!
}

/** Whether a call of the store parks something. */
export function isParking(method: string, given: readonly unknown[]): boolean {
  return method === 'commit' && (given[0] as readonly ExecutionCommit[]).some(({ park }) => park !== undefined)
}
