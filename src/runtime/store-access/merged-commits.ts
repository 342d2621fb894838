import { isDropped, lastCheckpoints } from '../../core/contracts/checkpoint-record.ts'
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
  const groups = Map.groupBy(commits, ({ id }) => id)
  if (groups.size === commits.length) return { merged: commits, indexes: undefined }
  const merged: ExecutionCommit[] = []
  const places = new Map<string, number>()
  for (const [id, group] of groups) places.set(id, merged.push(mergeOf(group)) - 1)
  const indexes = commits.map(({ id, epoch }) => {
    const place = places.get(id)!
    return merged[place]!.epoch === epoch ? place : undefined
  })
  return { merged, indexes }
}

/** Of several epochs, the last alone has the right to write. Each record is looked at once: a batch brings a thousand commits a turn. */
function mergeOf(group: readonly ExecutionCommit[]): ExecutionCommit {
  if (group.length === 1) return group[0]!
  const last = group.reduce((newest, { epoch }) => Math.max(newest, epoch), 0)
  const commits = group.filter(({ epoch }) => epoch === last)
  const steps = new Map<string, StepRecord>()
  let { head, consumed, closedSlots, openedSlots, receipts, outgoing, checkpoints, droppedCheckpoints, awaited } =
    commits[0]!
  for (const [index, commit] of commits.entries()) {
    for (const step of commit.steps) {
      const key = `${step.step.length}:${step.step}${step.item}`
      // As in every store: what is completed stays.
      if (replaces(step, steps.get(key))) steps.set(key, step)
    }
    if (index === 0) continue
    if (commit.head !== undefined) head = { ...head, ...commit.head }
    if (commit.consumed !== undefined) consumed = [...(consumed ?? []), ...commit.consumed]
    if (commit.receipts !== undefined) receipts = [...(receipts ?? []), ...commit.receipts]
    if (commit.outgoing !== undefined) outgoing = [...(outgoing ?? []), ...commit.outgoing]
    if (commit.awaited !== undefined) awaited = [...(awaited ?? []), ...commit.awaited]
    if (commit.droppedCheckpoints !== undefined) {
      const dropped = commit.droppedCheckpoints
      checkpoints = checkpoints?.filter((checkpoint) => !isDropped(checkpoint, dropped))
      droppedCheckpoints = [...(droppedCheckpoints ?? []), ...dropped]
    }
    if (commit.checkpoints !== undefined) checkpoints = [...(checkpoints ?? []), ...commit.checkpoints]
    if (commit.closedSlots !== undefined) {
      closedSlots = [...(closedSlots ?? []), ...commit.closedSlots]
      openedSlots = without(openedSlots, commit.closedSlots)
    }
    if (commit.openedSlots !== undefined) {
      openedSlots = [...(openedSlots ?? []), ...commit.openedSlots]
      closedSlots = without(closedSlots, commit.openedSlots)
    }
  }
  return {
    ...commits.at(-1)!,
    steps: [...steps.values()],
    head,
    consumed,
    closedSlots,
    openedSlots,
    receipts,
    outgoing,
    checkpoints: checkpoints && lastCheckpoints(checkpoints),
    droppedCheckpoints,
    awaited,
  }
}

function without(slots: readonly string[] | undefined, others: readonly string[]): readonly string[] | undefined {
  return slots?.filter((slot) => !others.includes(slot))
}
