/** A graph of steps that do nothing, as every opponent builds it in its own way. */
export interface Shape {
  readonly name: string
  readonly title: string
  /** For each step the steps that it depends on, by index; those come before it. The last step is the target. */
  readonly steps: readonly (readonly number[])[]
  /** The steps by level: each depends on the level before. */
  readonly layers: readonly (readonly number[])[]
  /** Whether each step depends on all of the level before, so that going level by level loses no parallelism. */
  readonly isByLayers: boolean
}

/** Levels of these widths, each step depending on all of the level before. */
export function layered(name: string, title: string, widths: readonly number[]): Shape {
  const layers: number[][] = []
  const steps: (readonly number[])[] = []
  for (const width of widths) {
    const before = layers.at(-1) ?? []
    layers.push(Array.from({ length: width }, () => steps.push(before) - 1))
  }
  return { name, title, steps, layers, isByLayers: true }
}

/** `depth` levels of `width` steps, each with `fanIn` dependencies in the level before, and one step that combines the last level. */
function meshed(name: string, title: string, width: number, depth: number, fanIn: number): Shape {
  const layers: number[][] = []
  const steps: (readonly number[])[] = []
  for (let level = 0; level < depth; level++) {
    const before = layers.at(-1)
    layers.push(
      Array.from({ length: width }, (_, i) => {
        // Neighbours at growing distances: no two steps of a level have the same dependencies.
        const from =
          before === undefined ? [] : Array.from({ length: fanIn }, (_, k) => before[(i + k * k * 7) % width]!)
        return steps.push(from) - 1
      }),
    )
  }
  layers.push([steps.push(layers.at(-1)!) - 1])
  return { name, title, steps, layers, isByLayers: false }
}

export const shapes: readonly Shape[] = [
  layered('one', 'one step', [1]),
  layered('combine', '3 parallel + combine', [3, 1]),
  layered('diamond', '1 → 10 → 1 diamond', [1, 10, 1]),
  layered('chain', 'chain of 10', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
  meshed('mesh', '10 levels × 100, fan-in 3', 100, 10, 3),
  layered('fan-1k', 'fan-out of 1,000', [1, 1_000, 1]),
  layered('fan-10k', 'fan-out of 10,000', [1, 10_000, 1]),
  layered('fan-100k', 'fan-out of 100,000', [1, 100_000, 1]),
]
