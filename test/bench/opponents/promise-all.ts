import type { Opponent } from './opponent.ts'

/** By hand, with nothing but promises: the limit that nobody can beat. */
export const promiseAll: Opponent = {
  name: 'Promise.all',
  prepare: ({ steps, layers, isByLayers }, work) =>
    isByLayers
      ? async () => {
          let values: readonly number[] = []
          for (const layer of layers)
            values = layer.length === 1 ? [await work(layer[0]!)] : await Promise.all(layer.map(work))
          return values[0]
        }
      : () => {
          const promises: Promise<number>[] = []
          for (const [step, dependencies] of steps.entries()) {
            promises.push(
              dependencies.length === 0
                ? work(step)
                : Promise.all(dependencies.map((before) => promises[before])).then(() => work(step)),
            )
          }
          return promises.at(-1)!
        },
}
