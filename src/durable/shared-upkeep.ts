import { isTerminal } from '../core/contracts/statuses.ts'
import type { SharedState } from '../core/contracts/shared-state.ts'
import { allAnswers } from '../runtime/store-access/all-answers.ts'
import type { DocketContext } from './context/docket-context.ts'
import { stateOf } from './limits/stored-state.ts'
import { claimsOf } from './start/start-keys.ts'

/**
 * Forgets what processes had in common, and nobody has written since a while ago: limits of which nobody alive has a slot or waits for one, and keys whose
 * executions have ended. Their processes may have died before they did. What is still of use is looked at again after another while. Gives how many it
 * dealt with. @throws StoreError
 */
export async function purgeShared(context: DocketContext, before: number, limit: number): Promise<number> {
  const { connection } = context
  const { store } = connection
  const old = await store.oldShared(before, limit)
  if (old.length === 0) return 0
  const { now } = await store.readShared([])
  const alive = await livingOwners(connection, old)
  const unfinished = await unfinishedExecutions(connection, old, now)
  const isOfUse = (state: SharedState): boolean => {
    const line = stateOf(state)
    if (line !== undefined)
      return line.nextAt > now || [...line.holders, ...line.waiters].some(({ owner }) => alive.has(owner))
    return claimsOf(state).some(({ execution, until }) =>
      until === undefined ? unfinished.has(execution) : until > now,
    )
  }
  const writes = old.map((one) => ({
    ...one,
    was: one.token,
    token: context.newId(),
    state: isOfUse(one) ? one.state : undefined,
    frees: false,
  }))
  await store.writeShared(writes)
  return old.length
}

type Connection = DocketContext['connection']

async function livingOwners({ store }: Connection, old: readonly SharedState[]): Promise<ReadonlySet<string>> {
  const lines = old.map(stateOf)
  const owners = new Set(
    lines.flatMap((line) => [...(line?.holders ?? []), ...(line?.waiters ?? [])].map(({ owner }) => owner)),
  )
  const list = [...owners]
  if (list.length === 0) return new Set()
  const states = allAnswers(store, 'readOwners', list, await store.readOwners(list))
  return new Set(list.filter((_, index) => states[index]?.isAlive === true))
}

async function unfinishedExecutions(
  { store }: Connection,
  old: readonly SharedState[],
  now: number,
): Promise<ReadonlySet<string>> {
  const ids = [
    ...new Set(
      old
        .flatMap(claimsOf)
        .filter(({ until = now }) => until <= now)
        .map(({ execution }) => execution),
    ),
  ]
  if (ids.length === 0) return new Set()
  const records = allAnswers(store, 'get', ids, await store.get(ids))
  return new Set(ids.filter((_, index) => !isTerminal(records[index]?.status ?? 'completed')))
}
