import type { AcquiredExecution } from '../../core/contracts/execution-record.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'

/** Which executions may be acquired besides unfinished ones that nobody has. */
interface Acquirable {
  readonly andEnded?: boolean
  readonly andOwn?: boolean
}

/**
 * Makes this process the owner of an execution that no other one has, calling again for as long as the store can't be reached; undefined where
 * another one has it, or it is not there. To be called in turn.
 * @throws StoreError, DocketClosedError
 */
export function acquireOne(
  connection: StoreConnection,
  id: string,
  { andEnded = false, andOwn = false }: Acquirable = {},
): Promise<AcquiredExecution | undefined> {
  let mayOwn = andOwn
  return connection.patiently(async () => {
    await connection.ready()
    const { owner } = connection.session
    const request = { owner, ids: [id], andEnded, andOwn: mayOwn, limit: 1 }
    // An answer that is lost leaves it to this process.
    mayOwn = true
    try {
      const [acquired] = await connection.writes.acquire(request)
      return acquired
    } catch (error) {
      connection.uncertainAcquisitions.set(id, connection.clock.elapsed())
      throw error
    }
  })
}
