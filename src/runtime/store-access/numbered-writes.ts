import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionCommit,
  ExecutionFence,
  NewExecution,
} from '../../core/contracts/execution-record.ts'
import type { CommitAnswer, CreateAnswer, LockPatience, Store } from '../../core/contracts/store.ts'
import { allAnswers } from './all-answers.ts'

type NumberedCall = 'create' | 'commit' | 'acquire' | 'delete'

/** A store but for the calls that are to have numbers. */
export type StoreBesideWrites = Omit<Store, NumberedCall>

/**
 * The calls by which a process writes to executions. Each has a number, higher than those before it: one that was given up, and is carried out after what was sent
 * later, is known by that, and refused. What is sent again is a new call.
 */
export class NumberedWrites {
  readonly #store: Pick<Store, NumberedCall | 'name'>
  #last = 0

  constructor(store: Pick<Store, NumberedCall | 'name'>) {
    this.#store = store
  }

  /** @throws StoreError */
  async create(executions: readonly NewExecution[], transaction?: unknown): Promise<readonly CreateAnswer[]> {
    const sequence = ++this.#last
    const numbered = executions.map((execution) => ({ ...execution, sequence }))
    return allAnswers(this.#store, 'create', numbered, await this.#store.create(numbered, transaction))
  }

  /** @throws StoreError */
  async commit(commits: readonly ExecutionCommit[], patience?: LockPatience): Promise<readonly CommitAnswer[]> {
    const sequence = ++this.#last
    // Copies: an earlier call with the same may still be on its way.
    const numbered = commits.map((commit) => ({ ...commit, sequence }))
    return allAnswers(this.#store, 'commit', numbered, await this.#store.commit(numbered, patience))
  }

  /** @throws StoreError */
  acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    return this.#store.acquire({ ...request, sequence: ++this.#last })
  }

  /** @throws StoreError */
  async delete(executions: readonly ExecutionFence[]): Promise<readonly boolean[]> {
    const sequence = ++this.#last
    const numbered = executions.map((execution) => ({ ...execution, sequence }))
    return allAnswers(this.#store, 'delete', numbered, await this.#store.delete(numbered))
  }
}
