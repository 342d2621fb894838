import { dataType, graph, race, step, type } from '../../src/index.ts'
import type { Duration } from '../../src/index.ts'
import type { DurableTime } from './durable-time.ts'

const Night = dataType('Night', type<string>())
const Hold = dataType('Hold', type<string>())
const Near = dataType('Near', type<string>())
const Far = dataType('Far', type<string>())
const Room = dataType('Room', type<string>())
export const Stay = dataType('Stay', type<string>())

/** Two hotels are asked for a room, the far one by way of a hold: what is booked there, and all that happened in order. */
export class Rooms {
  readonly booked = new Map<string, string>()
  readonly log: string[] = []
  readonly clock: DurableTime
  farMs = 50
  stayMs = 100
  wait: Duration = '10s'
  stay: () => string = () => 'slept'
  undo: (what: string, attempt: number) => unknown = () => {}

  constructor(clock: DurableTime) {
    this.clock = clock
  }

  /** The first hotel that books it has the guest, and what the other did is cancelled. */
  hotels() {
    const book = async (what: string, ms: number, key: string): Promise<string> => {
      if (ms > 0) await this.clock.sleep(ms)
      this.booked.set(key, what)
      this.log.push(`book ${what}`)
      return what
    }
    const cancel = (what: string) => ({
      run: async (_: unknown, { stepIdempotencyKey, attempt }: { stepIdempotencyKey: string; attempt: number }) => {
        await this.undo(what, attempt)
        this.booked.delete(stepIdempotencyKey)
        this.log.push(`cancel ${what}`)
      },
      retry: { maxAttempts: 3, backoff: '1s' },
      wait: this.wait,
    })
    const hold = step({
      name: 'HoldFar',
      inputs: { night: Night },
      output: Hold,
      run: (_, { idempotencyKey }) => book('hold', 0, idempotencyKey),
      compensate: cancel('hold'),
    })
    const far = step({
      name: 'BookFar',
      inputs: { hold: Hold },
      output: Far,
      run: (_, { idempotencyKey }) => book('far', this.farMs, idempotencyKey),
      compensate: cancel('far'),
    })
    const near = step({
      name: 'BookNear',
      inputs: { night: Night },
      output: Near,
      run: (_, { idempotencyKey }) => book('near', 10, idempotencyKey),
      compensate: cancel('near'),
    })
    const room = race({ name: 'Book', inputs: { near: Near, far: Far }, output: Room })
    const stay = step({
      name: 'Stay',
      inputs: { room: Room },
      output: Stay,
      run: async () => {
        if (this.stayMs > 0) await this.clock.sleep(this.stayMs)
        return this.stay()
      },
    })
    return graph({ name: 'rooms', steps: [hold, far, near, room, stay] })
  }
}
