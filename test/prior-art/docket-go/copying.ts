import { step } from '../../../src/index.ts'
import { number } from '../../loose-api.ts'

export const Leaf = number('Leaf')
export const [A, B, Target] = [number('A'), number('B'), number('Target')]
export const boom = new Error('boom')
export const items = (count: number) => Array.from({ length: count }, (_, Leaf) => ({ Leaf }))

export function raise(): never {
  throw boom
}

/** A step that copies its leaf into the target, with these fields besides. */
export function copying(fields: object = {}) {
  return step({
    name: 's',
    inputs: { leaf: Leaf },
    output: Target,
    run: ({ leaf }: { leaf: number }) => leaf,
    ...fields,
  } as never)
}
