import { durationMs } from '../core/duration.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { RetainOptions } from './context/retain-options.ts'
import { inPortions } from './in-portions.ts'

const everyMs = 60_000

interface Rule {
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly ms: number
  /** What stands for the work in the store: whoever has claimed it does it, and it is done for a while. */
  readonly key: string
}

/**
 * Deletes executions some time after their end. Of the processes that do so, one has the work of a minute: it is claimed as a result that is
 * shared by processes, so that a process which dies is replaced.
 */
export class Retention {
  readonly #context: DocketContext
  readonly #rules: readonly Rule[]
  #triedAt = -Infinity
  #isUnderWay = false

  constructor(context: DocketContext, retain: RetainOptions) {
    this.#context = context
    this.#rules = (['completed', 'failed', 'cancelled'] as const).flatMap((status) => {
      const ms = durationMs(retain[status])
      return ms === undefined ? [] : [{ status, ms, key: `docket retain ${status} ${ms}` }]
    })
  }

  /** Does what is due, by itself. */
  run(): void {
    const { clock, connection } = this.#context
    const now = clock.elapsed()
    if (this.#isUnderWay || now - this.#triedAt < everyMs) return
    this.#triedAt = now
    this.#isUnderWay = true
    void this.#purge()
      .catch(connection.failures.of('deleting executions that ended long ago'))
      .finally(() => void (this.#isUnderWay = false))
  }

  async #purge(): Promise<void> {
    const { connection, clock } = this.#context
    const { store, session, encoding } = connection
    const { owner } = session
    const about = { namespace: 'docket', step: 'retain', version: '', type: 'docket', owner, at: clock.now() }
    const states = await store.claimResults(this.#rules.map(({ key }) => ({ ...about, key })))
    for (const [index, { key, status, ms }] of this.#rules.entries()) {
      const state = states[index]
      if (state?.status !== 'claimed') continue
      const endedBefore = clock.now() - ms
      await inPortions(clock, async (limit) =>
        this.#context.isClosing ? 0 : store.purge({ statuses: [status], endedBefore, limit }),
      )
      const output = await encoding.encode(true, ['result', key])
      const outcome = { status: 'completed' as const, output, ttlMs: everyMs }
      await store.commitResults([{ key, owner, epoch: state.epoch, at: clock.now(), outcome }])
    }
  }
}
