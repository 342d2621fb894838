import type { StoredValue } from './stored-value.ts'

/** Where something stands that is kept beside a step's record. */
export type CheckpointStatus = 'open' | 'completed' | 'failed' | 'timedOut'

/**
 * What is remembered beside the record of a step, under a name of its own: what a verb of a long-lived function gave, a machine's snapshot, the
 * answer to an update.
 */
export interface CheckpointRecord {
  /** The step's name; empty for what is the execution's own. */
  readonly step: string
  /** Key of the batch's item; empty outside batches. */
  readonly item: string
  /** Grows by one each time the execution goes on with new inputs; 0 before. */
  readonly generation: number
  /** Unique within the execution, step, item and generation. */
  readonly name: string
  /** What it is of: `step`, `sleep`, `receive`, `snapshot`, … A store only keeps it. */
  readonly kind: string
  /** Its place among those of its step, item and generation: a whole number, not negative. */
  readonly order: number
  /** Where it stands. */
  readonly status: CheckpointStatus
  /** What it holds. */
  readonly value: StoredValue | undefined
  /** What it failed with. */
  readonly error: StoredValue | undefined
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number
  /** When what it is of is due. */
  readonly dueAt: number | undefined
}

/** Checkpoints that a commit takes away. */
export interface DroppedCheckpoints extends Pick<CheckpointRecord, 'step' | 'item'> {
  /** Those of one generation that have these names. @default all of the step and item, whatever their generation */
  readonly only?: { readonly generation: number; readonly names: readonly string[] } | undefined
}

/** A place in the order in which checkpoints are read. */
export type CheckpointPlace = Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'order' | 'name'>

/** Which checkpoints to read. */
export interface CheckpointRequest {
  /** The execution's id. */
  readonly execution: string
  /** Those of this step and item. @default all of the execution */
  readonly of?: Pick<CheckpointRecord, 'step' | 'item'> | undefined
  /** Those of one generation that have these names. Only with `of`. @default all */
  readonly only?: { readonly generation: number; readonly names: readonly string[] } | undefined
  /** Only those behind this one. @default from the first */
  readonly after?: CheckpointPlace | undefined
  /** How many at most. As long as there are so many, there may be more. */
  readonly limit: number
}

/** Which place of a step's checkpoints a stored value, or `error`, is encoded for. */
export function checkpointIdentity(
  execution: string,
  { step, item, generation, name }: Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'name'>,
  field: 'value' | 'error' = 'value',
): readonly string[] {
  return ['checkpoint', execution, step, item, String(generation), name, field]
}

type Key = Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'name'>

function keyOf({ step, item, generation, name }: Key): string {
  return JSON.stringify([step, item, generation, name])
}

/** Of checkpoints that are written together the last of each name. */
export function lastCheckpoints(checkpoints: readonly CheckpointRecord[] = []): readonly CheckpointRecord[] {
  if (checkpoints.length < 2) return checkpoints
  const last = new Map(checkpoints.map((checkpoint) => [keyOf(checkpoint), checkpoint]))
  return last.size === checkpoints.length ? checkpoints : [...last.values()]
}

/** Whether a commit that drops these takes the checkpoint away. */
export function isDropped(checkpoint: Key, dropped: readonly DroppedCheckpoints[]): boolean {
  return dropped.some(
    ({ step, item, only }) => step === checkpoint.step && item === checkpoint.item && isAmong(checkpoint, only),
  )
}

/** Whether a checkpoint has the generation, and one of the names; any does where none are given. */
export function isAmong(
  { generation, name }: Pick<CheckpointRecord, 'generation' | 'name'>,
  only: DroppedCheckpoints['only'],
): boolean {
  return only === undefined || (only.generation === generation && only.names.includes(name))
}
