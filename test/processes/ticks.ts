import { dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'

const At = dataType('At', type<Date>())
export const Tick = dataType('Tick', type<string>())

/** A graph that says when it was to run. */
export function tickGraph() {
  const ticks = graph({
    name: 'ticks',
    steps: [step({ name: 'Tick', inputs: { at: At }, output: Tick, run: ({ at }) => at.toISOString() })],
  })
  return { ticks }
}

/** A store whose process is killed right before the first call of a method that has something of a schedule to write. */
export function deathBefore(store: Store, call: string): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        if (key === call) process.kill(process.pid, 'SIGKILL')
        return (value as (...all: unknown[]) => unknown).apply(target, given)
      }
    },
  })
}
