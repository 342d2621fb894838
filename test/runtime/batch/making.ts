import { dataType, graph, step, type } from '../../../src/index.ts'
import type { VirtualTime } from '../virtual-time.ts'

export const Id = dataType('Id', type<number>())
export const Made = dataType('Made', type<number>())

/** One asynchronous step that takes as long as `msOf` says. */
export function making(
  clock: VirtualTime,
  msOf: (id: number) => number = () => 1,
  onAbort: (id: number) => void = () => {},
) {
  const make = step({
    name: 'Make',
    inputs: { id: Id },
    output: Made,
    run: async ({ id }, { signal }) => {
      signal.addEventListener('abort', () => onAbort(id))
      await clock.sleep(msOf(id), signal)
      if (id < 0) throw new Error(`no ${id}`)
      return id * 10
    },
  })
  return graph({ name: 'making', steps: [make] })
}

/** The same, done at once. */
export const instant = graph({
  name: 'instant',
  steps: [step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => id * 10 })],
})

/** All values, as they come. */
export async function collect<Value>(values: AsyncIterable<Value>, into: Value[] = []): Promise<Value[]> {
  for await (const value of values) into.push(value)
  return into
}
