import type { Store } from '../../src/core/contracts/store.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { toName } from '../sql/names.ts'
import { toSqlTime } from '../sql/times.ts'
import type { Answer } from '../sql/reader.ts'
import type { SqliteConnection } from './connection.ts'
import { isLiving } from './owners.ts'
import type { SqliteOwners } from './owners.ts'

/** Deletes executions with all they have. */
export class SqliteDeletion {
  readonly #connection: SqliteConnection
  readonly #owners: SqliteOwners

  constructor(connection: SqliteConnection, owners: SqliteOwners) {
    this.#connection = connection
    this.#owners = owners
  }

  delete(executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[]): Answer<readonly boolean[]> {
    return this.#connection.transaction(() =>
      executions.map(({ id, owner, epoch }) => {
        const execution = toName(id)
        const text = 'delete from docket_executions where id = ? and owner = ? and epoch = ?'
        if (this.#connection.run(text, execution, toName(owner), epoch) === 0) return false
        this.#deleteRest(execution)
        return true
      }),
    )
  }

  purge({ statuses, endedBefore, limit }: Parameters<Store['purge']>[0]): Answer<number> {
    return this.#connection.transaction(() => {
      const old = this.#connection.all(
        `select id from docket_executions
         where ended_at is not null and ended_at < ? and status in (select value from json_each(?))
           and status not in ('pending', 'running') and not exists (
             select 1 from docket_owners o where o.owner = docket_executions.owner and ${isLiving})
         order by ended_at limit ?`,
        toSqlTime(endedBefore),
        JSON.stringify(statuses),
        ...this.#owners.livingCells(),
        limit,
      )
      for (const row of old) {
        this.#connection.run('delete from docket_executions where id = ?', row['id'] as string)
        this.#deleteRest(row['id'] as string)
      }
      return old.length
    })
  }

  #deleteRest(execution: string): void {
    this.#connection.run('delete from docket_steps where execution = ?', execution)
    this.#connection.run('delete from docket_mailbox where execution = ?', execution)
  }
}
