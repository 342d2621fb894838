import { dataType, graph, step, type } from '../../../src/index.ts'
import type { ConcurrencyPolicy, RatePolicy } from '../../../src/index.ts'
import type { World } from '../durable-time.ts'

const Tenant = dataType('Tenant', type<string>())
export const Answer = dataType('Answer', type<string>())

/** What is known of the calls of all processes. */
export interface Calls {
  now: number
  most: number
  /** By tenant. */
  readonly nowOf: Map<string, number>
  mostOf: number
  /** Tenants in the order in which their calls began. */
  readonly begun: string[]
  /** When they began. */
  readonly at: number[]
}

export function noCalls(): Calls {
  return { now: 0, most: 0, nowOf: new Map(), mostOf: 0, begun: [], at: [] }
}

export interface CallLimits {
  readonly concurrency?: number | ConcurrencyPolicy<{ readonly tenant: string }>
  readonly rate?: RatePolicy<{ readonly tenant: string }>
  readonly persist?: 'execution' | 'global'
  readonly maxAttempts?: number
  readonly fails?: (attempt: number) => boolean
  readonly ms?: number
  readonly name?: string
}

/** A graph whose one step calls something that takes a while, in virtual time. */
export function callGraph(world: Pick<World, 'clock'>, calls: Calls, limits: CallLimits) {
  const { ms = 1_000, name = 'calls', maxAttempts, fails = () => false, ...policies } = limits
  const call = step({
    name: 'Call',
    inputs: { tenant: Tenant },
    output: Answer,
    ...policies,
    ...(maxAttempts !== undefined && { retry: { maxAttempts } }),
    run: async ({ tenant }, { attempt, signal }) => {
      calls.begun.push(tenant)
      calls.at.push(world.clock.now())
      calls.most = Math.max(calls.most, ++calls.now)
      const now = (calls.nowOf.get(tenant) ?? 0) + 1
      calls.nowOf.set(tenant, now)
      calls.mostOf = Math.max(calls.mostOf, now)
      try {
        await world.clock.sleep(ms, signal)
        if (fails(attempt)) throw new Error('not now')
        return `of ${tenant}`
      } finally {
        calls.now--
        calls.nowOf.set(tenant, calls.nowOf.get(tenant)! - 1)
      }
    },
  })
  return graph({ name, steps: [call] })
}
