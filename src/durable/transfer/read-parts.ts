import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { isRecord } from '../../core/is-record.ts'
import type { StoredNames } from '../records/stored-names.ts'
import { decodePresent, readInputs } from '../records/stored-inputs.ts'
import { withReferencedInputs } from '../recovery/referenced-inputs.ts'
import type { ExecutionParts } from './execution-parts.ts'

const portion = 500

/** All that the store has of an execution; of a child, with the inputs that its parent keeps. @throws SerializationError, StoreError */
export async function readParts(context: DocketContext, stored: ExecutionRecord): Promise<ExecutionParts> {
  const { connection } = context
  const isChild = stored.parent !== undefined && stored.kind !== 'batch'
  const record = isChild
    ? await withReferencedInputs(context, stored, await readInputs(stored, connection.encoding))
    : stored
  const { id } = stored
  const document = await decodePresent(record.inputs, ['execution', id, 'inputs'], connection.encoding)
  const { $names, $signals } = isRecord(document) ? document : {}
  const firstNames = ($names as StoredNames | undefined)?.steps
  const givenSignals = isRecord($signals) ? Object.keys($signals) : []
  const checkpoints = await checkpointsOf(context, id)
  return { record, steps: await context.stepsOf(id), checkpoints, firstNames, givenSignals }
}

async function checkpointsOf({ connection }: DocketContext, execution: string): Promise<readonly CheckpointRecord[]> {
  const { store } = connection
  const found: CheckpointRecord[] = []
  if (store.readCheckpoints === undefined) return found
  for (let after: CheckpointRecord | undefined; ;) {
    const some = await connection.patiently(() => store.readCheckpoints!({ execution, after, limit: portion }))
    for (const checkpoint of some) found.push(checkpoint)
    if (some.length < portion) return found
    after = some.at(-1)
  }
}
