import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { Store } from '../../core/contracts/store.ts'

/** One that is kept beside those of all steps, so that it outlives them; undefined where there is none. @throws StoreError */
export async function checkpointBeside(
  store: Pick<Store, 'readCheckpoints'>,
  execution: string,
  { step, item, generation, name }: Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'name'>,
): Promise<CheckpointRecord | undefined> {
  const request = { execution, of: { step, item }, only: { generation, names: [name] }, limit: 1 }
  return (await store.readCheckpoints?.(request))?.[0]
}
