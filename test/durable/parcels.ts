import { dataType, graph, step, type } from '../../src/index.ts'
import type { CompensateContext } from '../../src/core/language/compensation.ts'
import type { DurableTime } from './durable-time.ts'

const Place = dataType('Place', type<string>())
const Name = dataType('Name', type<string>())
const Warehouse = dataType('Warehouse', type<string>())
const Packed = dataType('Packed', type<string>())
const Shipped = dataType('Shipped', type<string>())
export const Confirmed = dataType('Confirmed', type<string>())

/** A warehouse that all parcels of a batch share: what is open, packed and under way, by key, and all that happened in order. */
export class Parcels {
  readonly clock: DurableTime
  readonly done = new Map<string, string>()
  readonly log: string[] = []
  readonly cancelled: string[] = []
  confirm: (shipped: string) => string | Promise<string> = (shipped) => shipped
  undo: (what: string, attempt: number) => unknown = () => {}

  constructor(clock: DurableTime) {
    this.clock = clock
  }

  /** `packing`: what the step that packs is called, where it has another name by now. */
  graph(packing?: string) {
    const act = (what: string, key: string): string => {
      this.done.set(key, what)
      this.log.push(what)
      return what
    }
    const undo = async (
      what: string,
      { stepIdempotencyKey, attempt }: Pick<CompensateContext, 'stepIdempotencyKey' | 'attempt'>,
    ): Promise<void> => {
      await this.undo(what, attempt)
      this.done.delete(stepIdempotencyKey)
      if (!this.cancelled.includes(what)) this.cancelled.push(what)
    }
    const open = step({
      name: 'Open',
      inputs: { place: Place },
      output: Warehouse,
      run: ({ place }, { idempotencyKey }) => act(`open ${place}`, idempotencyKey),
      compensate: (_, context) => undo(`open ${context.inputs.place}`, context),
    })
    const pack = step({
      name: packing ?? 'Pack',
      ...(packing !== undefined && { formerly: 'Pack' }),
      inputs: { name: Name, warehouse: Warehouse },
      output: Packed,
      run: ({ name }, { idempotencyKey }) => act(`pack ${name}`, idempotencyKey),
      compensate: {
        run: (_, context) => undo(`pack ${context.inputs.name}`, context),
        retry: { maxAttempts: 3, backoff: '1s' },
      },
    })
    const ship = step({
      name: 'Ship',
      inputs: { packed: Packed },
      output: Shipped,
      run: ({ packed }, { idempotencyKey }) => act(`ship ${packed.slice(5)}`, idempotencyKey),
      compensate: (_, context) => undo(`ship ${context.inputs.packed.slice(5)}`, context),
    })
    const confirm = step({
      name: 'Confirm',
      inputs: { shipped: Shipped },
      output: Confirmed,
      run: ({ shipped }) => this.confirm(shipped),
    })
    return graph({ name: 'parcels', steps: [open, pack, ship, confirm] })
  }
}

export const names = (...all: string[]) => all.map((Name) => ({ Name }))
