/** How the generated graph's steps depend on each other. */
export type Shape = 'chain' | 'layers'

/** How much of the program there is: the steps, and a graph of them, and a call. */
export type Stage = 'steps' | 'graph' | 'execute'

const layerWidth = 32
const fanIn = 3
const leafCount = 4

/** A program of so many typed steps: a chain, or layers of 32 in which each step needs three of the layer before. */
export function generate(shape: Shape, count: number, stage: Stage, source: string): string {
  const indexes = Array.from({ length: count }, (_, index) => index)
  const lines = [
    `import { z } from 'zod'`,
    `import { dataType } from '${source}/core/language/data-type.ts'`,
    `import { graph } from '${source}/core/graph/graph.ts'`,
    `import type { Execute } from '${source}/core/graph/calls.ts'`,
    `import { step } from '${source}/core/language/step.ts'`,
    ...Array.from(
      { length: leafCount },
      (_, leaf) => `const Leaf${leaf} = dataType('Leaf${leaf}', z.object({ id: z.string(), leaf${leaf}: z.number() }))`,
    ),
    ...indexes.map(
      (index) =>
        `const T${index} = dataType('T${index}', z.object({ id: z.string(), score: z.number(), tags: z.array(z.string()), f${index}: z.boolean() }))`,
    ),
    ...indexes.map((index) => {
      const inputs = needsOf(shape, index).map((need, port) => `i${port}: ${need}`)
      return `export const s${index} = step({ name: 'S${index}', inputs: { ${inputs.join(', ')} }, output: T${index}, run: ({ i0 }) => ({ id: i0.id, score: 1, tags: [i0.id], f${index}: true }) })`
    }),
  ]
  if (stage !== 'steps')
    lines.push(`export const g = graph({ name: 'g', steps: [${indexes.map((index) => `s${index}`).join(', ')}] })`)
  if (stage === 'execute') {
    const leaves = Array.from(
      { length: shape === 'chain' ? 1 : leafCount },
      (_, leaf) => `Leaf${leaf}: { id: 'a', leaf${leaf}: 1 }`,
    )
    lines.push(
      'declare const execute: Execute<object>',
      `export const made = execute(g, T${count - 1}, { ${leaves.join(', ')} })`,
    )
  }
  return `${lines.join('\n')}\n`
}

function needsOf(shape: Shape, index: number): readonly string[] {
  if (shape === 'chain') return [index === 0 ? 'Leaf0' : `T${index - 1}`]
  const layer = Math.floor(index / layerWidth)
  return Array.from({ length: fanIn }, (_, port) =>
    layer === 0
      ? `Leaf${(index + port) % leafCount}`
      : `T${(layer - 1) * layerWidth + ((index + port * 7) % layerWidth)}`,
  )
}
