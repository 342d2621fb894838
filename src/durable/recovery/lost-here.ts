import { isTerminal } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'
import type { Resumption } from './resume.ts'
import type { Scan } from './scan.ts'

const mostAtOnce = 100

/**
 * What a docket that takes nothing over has lost with its lease, since its process stood still, say: it was begun here, and its callers wait here, so it goes on
 * here where no other process has it. A docket that takes over finds it among all others.
 */
export class LostHere {
  readonly #context: DocketContext
  readonly #resumption: Pick<Resumption, 'resume'>
  readonly #scan: Pick<Scan, 'take' | 'states'>
  readonly #lost = new Map<string, string>()

  constructor(context: DocketContext, resumption: Pick<Resumption, 'resume'>, scan: Pick<Scan, 'take' | 'states'>) {
    this.#context = context
    this.#resumption = resumption
    this.#scan = scan
  }

  /** The lease of these is lost. */
  note(ones: Iterable<Owned>): void {
    for (const { id, hasEnded, commits } of ones) if (!hasEnded) this.#lost.set(id, commits.place.queue)
  }

  /** Goes on with those that nobody has. @throws StoreError */
  async look(): Promise<void> {
    const { connection, isClosing, turns } = this.#context
    // In a queue with limits it waits for its turn, as what a dead process had: whoever serves that queue goes on with it.
    for (const [id, queue] of this.#lost) if (this.#scan.states.isRestricted(queue)) this.#lost.delete(id)
    const ids = [...this.#lost.keys()].slice(0, mostAtOnce)
    if (ids.length === 0 || isClosing) return
    const { deletions } = turns
    const { owner } = connection.session
    try {
      const acquired = await connection.writes.acquire({ owner, ids, limit: ids.length })
      const queues = new Map(acquired.map(({ execution: { id, queue } }) => [id, queue]))
      await outsideCalls.run(() =>
        this.#resumption.resume(acquired, turns.deletions !== deletions, (id) => this.#scan.take(queues.get(id)!, id)),
      )
    } catch (error) {
      turns.markUncertain()
      throw error
    }
    const records = allAnswers(connection.store, 'get', ids, await connection.store.get(ids))
    for (const [index, record] of records.entries())
      if (record === undefined || !(await this.#isLeft(record))) this.#lost.delete(ids[index]!)
  }

  /** Whether it still stands under the lease that was lost: the store may see later than this process that this is over. */
  async #isLeft({ status, owner }: ExecutionRecord): Promise<boolean> {
    if (isTerminal(status) || owner === undefined) return false
    return (await this.#context.ownerState(owner))?.isAlive !== true
  }
}
