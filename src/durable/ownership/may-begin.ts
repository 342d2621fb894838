import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionCommits } from './execution-commits.ts'

/**
 * Whether a function of an execution may be called: a process that slept through the end of its lease must not do now what others may be
 * doing. Where it may not, it has lost the execution by that.
 */
export function mayBegin({ session }: StoreConnection, commits: ExecutionCommits): boolean | Promise<boolean> {
  const orLost = (isHeld: boolean): boolean => {
    if (!isHeld) commits.lose()
    return isHeld
  }
  const isHeld = session.owner === commits.right.owner && session.holds()
  return isHeld === true || (isHeld === false ? orLost(false) : isHeld.then(orLost))
}
