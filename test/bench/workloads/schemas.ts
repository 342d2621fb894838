import type { StandardSchemaV1 } from '@standard-schema/spec'
import { dataType, execute, step, type, untypedGraph } from '../../../src/index.ts'
import { race } from '../measure.ts'
import { docketExecute } from '../opponents/docket.ts'
import { keepOneInFlight } from '../opponents/opponent.ts'
import { load } from '../packages.ts'
import { shapes } from '../shapes.ts'
import type { Workload } from './workload.ts'

interface Basket {
  readonly id: string
  readonly owner: { readonly name: string; readonly email: string; readonly age: number }
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly price: number }[]
}
const basket: Basket = {
  id: 'basket-123',
  owner: { name: 'Ada Lovelace', email: 'ada@example.com', age: 36 },
  lines: Array.from({ length: 5 }, (_, i) => ({ sku: `SKU-${i}`, quantity: i + 1, price: 9.99 + i })),
}

interface Checked {
  min(least: number): unknown
}

/** The part of zod that this needs. */
interface Zod {
  readonly z: {
    object(shape: object): StandardSchemaV1<Basket, Basket>
    string(): Checked
    number(): Checked
    email(): unknown
    array(of: unknown): unknown
  }
}

const { steps } = shapes.find(({ name }) => name === 'diamond')!
const unchecked = (name: string) => dataType(name, type<Basket>())
const run = async (): Promise<Basket> => basket

function diamond(declare: typeof unchecked): () => Promise<unknown> {
  const seed = declare('Seed')
  const types = steps.map((_, index) => declare(`T${index}`))
  const declared = steps.map((dependencies, index) => {
    const ports = dependencies.map((before) => [`v${before}`, types[before]!] as const)
    const inputs = ports.length === 0 ? { seed } : Object.fromEntries(ports)
    return step({ name: `s${index}`, inputs, output: types[index]!, run })
  })
  const graph = untypedGraph({ name: 'diamond', steps: declared })
  return () => execute(graph, types.at(-1)!, { Seed: basket })
}

/** The diamond again, its values objects: checked by zod, or not at all. */
export const schemas: Workload = {
  name: 'schemas',
  title: 'diamond of objects with a zod schema on every type',
  measure: async (effort) => {
    await keepOneInFlight(docketExecute)
    const { z } = await load<Zod>('zod')
    const schema = z.object({
      id: z.string().min(1),
      owner: z.object({ name: z.string().min(1), email: z.email(), age: z.number().min(0) }),
      lines: z.array(z.object({ sku: z.string().min(1), quantity: z.number().min(1), price: z.number().min(0) })),
    })
    const { validate } = schema['~standard']
    const alone = async (): Promise<unknown> => {
      let last: unknown = validate(basket)
      for (let i = 0; i < steps.length; i++) last = validate(basket)
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
