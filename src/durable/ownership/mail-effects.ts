import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'

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
