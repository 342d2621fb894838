import { z } from 'zod'
import { dataType, race, step } from '../../../src/index.ts'
import type { VirtualTime } from '../virtual-time.ts'

export const Order = dataType('Order', z.string())
export const Fast = dataType('Fast', z.string())
export const Slow = dataType('Slow', z.number())
export const Winner = dataType('Winner', z.union([z.string(), z.number()]))

interface Behaviour {
  readonly fast?: () => unknown
  readonly slow?: () => unknown
}

/** A fast and a slow step, and what their signals were aborted with. */
export function racers(clock: VirtualTime, { fast, slow }: Behaviour = {}) {
  const aborted: Record<string, unknown> = {}
  const after = async (ms: number, name: string, signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => (aborted[name] = signal.reason))
    await clock.sleep(ms)
  }
  const makeFast = step({
    name: 'MakeFast',
    inputs: { order: Order },
    output: Fast,
    run: async ({ order }, { signal }) => {
      await after(10, 'MakeFast', signal)
      return (fast?.() ?? `fast ${order}`) as string
    },
  })
  const makeSlow = step({
    name: 'MakeSlow',
    inputs: { order: Order },
    output: Slow,
    run: async (_, { signal }) => {
      await after(50, 'MakeSlow', signal)
      return (slow?.() ?? 7) as number
    },
  })
  return { makeFast, makeSlow, aborted }
}

export const fail = (message: string) => () => {
  throw new Error(message)
}
export const inputs = { Order: 'o' }
export const ports = { fast: Fast, slow: Slow }
export const pick = race({ name: 'Pick', inputs: ports, output: Winner })
