import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { isUpdateType } from '../../core/language/update.ts'
import { copyOf } from '../../core/values/copy.ts'
import { frozen } from '../../core/values/frozen.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { publishedPlace } from '../records/published-value.ts'

/** What durable functions of one execution, or batch, that lives here have published, as of the last commit. It is kept where updates are validated by it. */
export class ShownValues {
  readonly #connection: StoreConnection
  readonly #id: string
  readonly #types: readonly string[]
  /** By item, then by type. */
  readonly #values = new Map<string, Map<string, unknown>>()
  readonly #found = new Map<string, Promise<void>>()

  constructor(connection: StoreConnection, { id, plan }: { readonly id: string; readonly plan: Plan }) {
    this.#connection = connection
    this.#id = id
    const { specs } = plan.index
    const areUsed = specs.some(({ receives }) =>
      receives.some((type) => isUpdateType(type) && type.validate !== undefined),
    )
    this.#types = areUsed ? specs.flatMap(({ publishes }) => publishes.map(({ name }) => name)) : []
  }

  /** The value of a type; undefined where none was published. */
  of(item: string, type: string): unknown {
    return this.#values.get(item)?.get(type)
  }

  /** It is on record. What the function does to its value later is not. */
  set(item: string, type: string, value: unknown): void {
    if (this.#types.includes(type)) this.#valuesOf(item).set(type, untouchable(value))
  }

  /** Reads what an earlier process has left; of one item once. @throws StoreError, SerializationError */
  find(item: string): Promise<void> | undefined {
    if (this.#types.length === 0) return undefined
    let found = this.#found.get(item)
    if (found === undefined) this.#found.set(item, (found = this.#read(item)))
    return found
  }

  async #read(item: string): Promise<void> {
    const { store, encoding } = this.#connection
    const places = new Map(this.#types.map((type) => [publishedPlace(type, item).name, type]))
    const only = { generation: 0, names: [...places.keys()] }
    const request = { execution: this.#id, of: { step: '', item }, only, limit: places.size }
    for (const record of await this.#connection.patiently(() => store.readCheckpoints!(request), Infinity)) {
      const type = places.get(record.name)!
      const value = record.value && (await encoding.decode(record.value, checkpointIdentity(this.#id, record)))
      const values = this.#valuesOf(item)
      if (!values.has(type)) values.set(type, untouchable(value))
    }
  }

  #valuesOf(item: string): Map<string, unknown> {
    let values = this.#values.get(item)
    if (values === undefined) this.#values.set(item, (values = new Map()))
    return values
  }
}

/** What user code gets a copy of that it can't change. What is no plain data it gets as it is. */
export function untouchable(value: unknown): unknown {
  try {
    return frozen(copyOf(value))
  } catch {
    return value
  }
}
