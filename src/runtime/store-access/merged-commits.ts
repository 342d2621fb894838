import { replaces } from '../../core/contracts/step-replacement.ts'
import type { ExecutionCommit, StepRecord } from '../../core/contracts/execution-record.ts'

/**
 * Puts several commits to one execution together into one; of two records of one step the later holds. `indexes` says for
 * each original commit which merged one it went into; undefined for one of an epoch that is over. Where each execution has one
 * commit, as almost always, there are no indexes: all stay as they are.
 */
export function mergedCommits(commits: readonly ExecutionCommit[]): {
  readonly merged: readonly ExecutionCommit[]
  readonly indexes: readonly (number | undefined)[] | undefined
} {
  const merged: ExecutionCommit[] = []
  const places = new Map<string, number>()
  for (const commit of commits) {
    const place = places.get(commit.id)
    if (place === undefined) places.set(commit.id, merged.push(commit) - 1)
    else {
      const earlier = merged[place]!
      if (commit.epoch === earlier.epoch) merged[place] = mergeOf(earlier, commit)
      else if (commit.epoch > earlier.epoch) merged[place] = commit
    }
  }
  if (merged.length === commits.length) return { merged, indexes: undefined }
  const indexes = commits.map(({ id, epoch }) => {
    const place = places.get(id)!
    return merged[place]!.epoch === epoch ? place : undefined
  })
  return { merged, indexes }
}

function mergeOf(earlier: ExecutionCommit, later: ExecutionCommit): ExecutionCommit {
  const steps = new Map<string, StepRecord>()
  for (const step of [...earlier.steps, ...later.steps]) {
    const key = JSON.stringify([step.step, step.item])
    // As in every store: what is completed stays.
    if (replaces(step, steps.get(key))) steps.set(key, step)
  }
  return {
    ...later,
    steps: [...steps.values()],
    head:
      earlier.head === undefined || later.head === undefined
        ? (earlier.head ?? later.head)
        : { ...earlier.head, ...later.head },
    consumed: later.consumed === undefined ? earlier.consumed : Math.max(later.consumed, earlier.consumed ?? 0),
  }
}
