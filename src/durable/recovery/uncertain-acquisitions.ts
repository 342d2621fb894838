import { StoreError } from '../../core/errors.ts'
import type { DocketContext } from '../context/docket-context.ts'

// As long as a call that was given up may still be under way.
const lookAfterMs = 30_000

/**
 * Gives back what this process owns by an acquisition by id, or a creation, that it had given up. Scans find that too, but for what has ended, or is in a queue that
 * the process does not serve, and where it takes nothing over.
 */
export class UncertainAcquisitions {
  readonly #context: DocketContext

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Looks at those that were given up long enough ago. */
  look(): void {
    const { clock, connection } = this.#context
    const { uncertainAcquisitions: uncertain, failures } = connection
    const before = clock.elapsed() - lookAfterMs
    for (const [id, since] of uncertain) {
      if (since > before) continue
      uncertain.delete(id)
      void this.#giveBack(id).catch(
        failures.of(`looking whether execution "${id}" is this process's by a call that was given up`),
      )
    }
  }

  async #giveBack(id: string): Promise<void> {
    const { connection, owned, turns } = this.#context
    try {
      await turns.inTurn(id, async () => {
        if (owned.has(id)) return
        const record = await this.#context.recordNow(id)
        if (record?.owner === connection.session.owner) await this.#context.change(record, { isReleased: true })
      })
    } catch (error) {
      // It stays uncertain while the store is away.
      if (error instanceof StoreError && error.isTransient)
        connection.uncertainAcquisitions.set(id, connection.clock.elapsed())
      throw error
    }
  }
}
