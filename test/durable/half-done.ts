import { expect } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

export const N = dataType('N', type<number>())
export const Out = dataType('Out', type<number>())

/** A persisted step for each item; the numbers in `down` fail. */
export function sends(world: World) {
  const ran: number[] = []
  const down = new Set<number>()
  const send = step({
    name: 'Send',
    inputs: { n: N },
    output: Out,
    persist: 'execution',
    run: async ({ n }) => {
      await world.clock.sleep(100)
      ran.push(n)
      if (down.has(n)) throw new Error(`${n} is down`)
      return n * 10
    },
  })
  return { ran, down, send, sending: graph({ name: 'sending', steps: [send] }) }
}

export const items = [1, 2, 3, 4].map((n) => ({ N: n }))
export const collecting = { id: 'b', onError: 'collect', key: ({ N: n }: { readonly N: number }) => `n${n}` } as const

/** Values, and `-` for what failed. */
export const shown = (outcomes: unknown): unknown =>
  (outcomes as readonly { readonly value?: unknown; readonly error?: unknown }[]).map((one) =>
    'error' in one ? '-' : one.value,
  )

/** A world in which a batch has completed, with the items 2 and 4 failed. */
export async function halfDone() {
  const world = new World()
  const { ran, down, sending } = sends(world)
  down.add(2).add(4)
  const docket = world.process({ graphs: [sending] })
  const batch = await docket.startBatch(sending, Out, items, collecting)
  expect(shown(await world.clock.settle(batch.result()))).toEqual([10, '-', 30, '-'])
  ran.length = 0
  down.clear()
  return { world, ran, down, sending, docket, batch }
}
