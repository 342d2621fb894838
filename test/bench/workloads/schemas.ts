import type { StandardSchemaV1 } from '@standard-schema/spec'
import { dataType, execute, step, type, untypedGraph } from '../../../src/index.ts'
import { race } from '../measure.ts'
import { load } from '../packages.ts'
import { shapes } from '../shapes.ts'
import type { Workload } from './workload.ts'

interface User {
  readonly id: string
  readonly name: string
  readonly age: number
  readonly tags: readonly string[]
}
const user: User = { id: 'user-123', name: 'Ada Lovelace', age: 36, tags: ['math', 'engine'] }

/** The part of zod that this needs. */
interface Zod {
  readonly z: {
    object(shape: object): StandardSchemaV1<User, User>
    string(): unknown
    number(): unknown
    array(of: unknown): unknown
  }
}

const { steps } = shapes.find(({ name }) => name === 'diamond')!
const unchecked = (name: string) => dataType(name, type<User>())
const run = async (): Promise<User> => user

function diamond(declare: typeof unchecked): () => Promise<unknown> {
  const seed = declare('Seed')
  const types = steps.map((_, index) => declare(`T${index}`))
  const declared = steps.map((dependencies, index) => {
    const ports = dependencies.map((before) => [`v${before}`, types[before]!] as const)
    const inputs = ports.length === 0 ? { seed } : Object.fromEntries(ports)
    return step({ name: `s${index}`, inputs, output: types[index]!, run })
  })
  const graph = untypedGraph({ name: 'diamond', steps: declared })
  return () => execute(graph, types.at(-1)!, { Seed: user })
}

/** The diamond again, its values objects: checked by zod, or not at all. */
export const schemas: Workload = {
  name: 'schemas',
  title: 'diamond of objects with a zod schema on every type',
  measure: async (effort) => {
    const { z } = await load<Zod>('zod')
    const schema = z.object({ id: z.string(), name: z.string(), age: z.number(), tags: z.array(z.string()) })
    const { validate } = schema['~standard']
    const alone = async (): Promise<unknown> => {
      let last: unknown = validate(user)
      for (let i = 0; i < steps.length; i++) last = validate(user)
      return last
    }
    const series = await race(
      [
        { name: 'no schemas', run: diamond(unchecked) },
        { name: 'zod on every type', run: diamond((name) => dataType(name, schema)) },
        { name: 'the schemas alone', run: alone },
      ],
      effort,
    )
    return { name: 'schemas', title: schemas.title, series, steps: steps.length, base: 'no schemas', notes: [] }
  },
}
