import type { ExecutionCommit, NewExecution } from '../../core/contracts/execution-record.ts'
import { LruMap } from '../collections/lru-map.ts'

// Of so many executions; what came late of others has come by then.
const mostKept = 10_000

/**
 * Commits that may still arrive, whatever was written since: the call of the store failed, and nobody knows how far it came. The fence of owner and epoch
 * holds them off, but for an execution that this process starts anew under the id of a deleted one: so that one begins in a higher epoch.
 */
export class LateCommits {
  readonly #epochs = new LruMap<number>()

  /** A call with these has failed. */
  note(commits: readonly Pick<ExecutionCommit, 'id' | 'epoch'>[]): void {
    for (const { id, epoch } of commits) this.#epochs.set(id, Math.max(epoch, this.#epochs.peek(id) ?? 0), mostKept)
  }

  /** The same execution, in an epoch in which none of them can meet it. */
  heldOff<Created extends NewExecution>(created: Created): Created & Pick<NewExecution, 'firstEpoch'> {
    const last = this.#epochs.peek(created.id)
    return last === undefined || created.owner === undefined ? created : { ...created, firstEpoch: last + 1 }
  }
}
