import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'

/** Where the value of a type stands that a step has published: beside those of the steps, so that it stays while they come and go. */
export function publishedPlace(
  type: string,
  item: string,
): Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'name'> {
  return { step: '', item, generation: 0, name: `published ${type}` }
}
