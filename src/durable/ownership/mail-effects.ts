import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'

/** What a commit does to messages and their slots. */
export interface MailEffects {
  /** The messages that take effect with it. */
  readonly consumed?: readonly number[] | undefined
  /** Slots that nothing waits for any more. */
  readonly closedSlots?: readonly string[] | undefined
  /** Slots that are free again. */
  readonly openedSlots?: readonly string[] | undefined
  /** Answers to updates, which are kept beside no step. */
  readonly checkpoints?: readonly CheckpointRecord[] | undefined
}

/** What knows which messages a commit consumes by the records that it has. */
export interface CommitMail {
  effectsOf(records: readonly StepRecord[], areGivenUp: boolean): MailEffects | undefined
  /** The commit was not written. */
  undo(effects: MailEffects): void
  /** A commit with these records was written. */
  written?(records: readonly StepRecord[]): void
  /** Numbers of the messages that a step has taken, and that are in no commit yet. */
  takenBy?(step: string, item: string): readonly number[]
  /** What a commit does that ends the execution. */
  atEnd?(): MailEffects | undefined
  /** What a commit does by which it is undone from then on. */
  atUndoing?(): MailEffects | undefined
  /** Whether an update is still to be answered. */
  mayAnswer?(update: UpdateRef): boolean
  /** A commit is about to be written that consumes these, whatever its records are. */
  consuming?(seqs: readonly number[]): void
}

/** What a commit does to messages and slots, by all that know some of it. */
export function allEffects(some: readonly (MailEffects | undefined)[]): MailEffects | undefined {
  let all: MailEffects | undefined
  for (const effects of some) {
    if (effects !== undefined) all = all === undefined ? effects : withEffects(all, effects)
  }
  return all
}

export function withEffects(
  { consumed = [], closedSlots = [], openedSlots = [], checkpoints = [] }: MailEffects,
  effects: MailEffects = {},
): MailEffects {
  const kept = [...checkpoints, ...(effects.checkpoints ?? [])]
  const opened = [...openedSlots, ...(effects.openedSlots ?? [])]
  return {
    consumed: [...consumed, ...(effects.consumed ?? [])],
    closedSlots: [...closedSlots, ...(effects.closedSlots ?? [])],
    openedSlots: opened.length === 0 ? undefined : opened,
    ...(kept.length > 0 && { checkpoints: kept }),
  }
}
