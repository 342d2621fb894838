import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionResumed } from '../../core/contracts/events.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { Owned } from '../ownership/owned.ts'

/** How an execution goes on here that had another life. */
export interface ResumedLife extends Pick<ExecutionResumed, 'after' | 'restored'> {
  /** What observers kept in lives before, by the names under which they keep it. */
  readonly kept: ReadonlyMap<string, string>
}

type Connection = Pick<StoreConnection, 'clock' | 'encoding' | 'failures' | 'store'>

/** Where it is kept what an observer keeps of an execution: beside those of all steps, so that it outlives them. */
const prefix = '$observer '
const place = (keepsAs: string) => ({ step: '', item: '', generation: 0, name: `${prefix}${keepsAs}` })
const nothing: ReadonlyMap<string, string> = new Map()

/** Lets observers see that an execution begins to live here, or goes on here. */
export function beginLife(
  { connection }: { readonly connection: Connection },
  { commits, target }: Pick<Owned, 'commits' | 'target'>,
  emitter: Emitter,
  resumed: ResumedLife | undefined,
): void {
  const at = connection.clock.now()
  const { right } = commits
  emitter.begin(at, {
    ...right,
    after: resumed?.after,
    kept: resumed?.kept ?? nothing,
    keep: (name, text) => {
      if (connection.store.readCheckpoints === undefined) return
      const onFailure = connection.failures.of('keeping what an observer keeps')
      writeKept(connection, commits, right.id, name, text).catch(onFailure)
    },
  })
  if (resumed === undefined) return
  const { after, restored } = resumed
  emitter.durable(at, { type: 'execution.resumed', target, after, restored })
}

/** Goes out with what else is written in this turn. It is no progress of the execution, and so its status is open for good. */
async function writeKept(
  { clock, encoding }: Connection,
  commits: Pick<Owned['commits'], 'write'>,
  id: string,
  name: string,
  text: string,
): Promise<void> {
  const where = place(name)
  const value = await encoding.encode(text, checkpointIdentity(id, where))
  const more = { kind: 'kept', order: 0, status: 'open', error: undefined, at: clock.now(), dueAt: undefined } as const
  await commits.write({ steps: [], checkpoints: [{ ...where, value, ...more }] })
}

/** What observers kept in lives before, where any of them keeps something; nothing while the store can't be read. */
export async function keptOf(
  { encoding, store }: Connection,
  { id, epoch }: Pick<ExecutionRecord, 'id' | 'epoch'>,
  observers: readonly Observer[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Set(
    observers.flatMap((one) => (typeof one === 'object' && one.keepsAs !== undefined ? [place(one.keepsAs).name] : [])),
  )
  if (names.size === 0 || epoch < 2) return nothing
  const of = { step: '', item: '' }
  const only = { generation: 0, names: [...names] }
  const records = await readOrNothing(() => store.readCheckpoints?.({ execution: id, of, only, limit: names.size }))
  const found = new Map<string, string>()
  for (const record of records) {
    // What can't be read any more is lost: nothing of the execution depends on it.
    const text = await decoded(record, id, encoding)
    if (typeof text === 'string') found.set(record.name.slice(prefix.length), text)
  }
  return found
}

/** An execution that has begun to go on does not fail for want of what observers kept. */
async function readOrNothing(
  read: () => Promise<readonly CheckpointRecord[]> | undefined,
): Promise<readonly CheckpointRecord[]> {
  try {
    return (await read()) ?? []
  } catch {
    return []
  }
}

async function decoded(record: CheckpointRecord, id: string, encoding: Connection['encoding']): Promise<unknown> {
  try {
    return record.value && (await encoding.decode(record.value, checkpointIdentity(id, record)))
  } catch {
    return undefined
  }
}
