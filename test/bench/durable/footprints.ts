import { readFile } from 'node:fs/promises'
import { createConnection } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Footprint } from './engine.ts'

/** A reader of footprints, and how to let go of it. */
export interface FootprintReader {
  readonly read: () => Promise<Footprint>
  readonly close: () => Promise<void>
}

/** Transactions that wrote something, and bytes of the write-ahead log: both exact, and told at once. */
export async function postgresFootprint(url: string): Promise<FootprintReader> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    read: async () => {
      const { rows } = await client.query<{ writes: string; bytes: string }>(
        `select pg_snapshot_xmax(pg_current_snapshot())::text as writes, (pg_current_wal_insert_lsn() - '0/0')::text as bytes`,
      )
      return { writes: Number(rows[0]!.writes), bytes: Number(rows[0]!.bytes) }
    },
    close: () => client.end(),
  }
}

/** Commands, those inside scripts included, and bytes of the append-only file. */
export async function redisFootprint(url: string): Promise<FootprintReader> {
  const client = new Redis(url)
  return {
    read: async () => {
      const [stats, persistence] = await Promise.all([client.info('commandstats'), client.info('persistence')])
      let writes = 0
      for (const [, calls] of stats.matchAll(/calls=(\d+)/g)) writes += Number(calls)
      return { writes, bytes: Number(/aof_current_size:(\d+)/.exec(persistence)?.[1] ?? 0) }
    },
    close: async () => client.disconnect(),
  }
}

/** Commits, and bytes of InnoDB's log. */
export async function mysqlFootprint(url: string): Promise<FootprintReader> {
  const client = await createConnection({ uri: url })
  return {
    read: async () => {
      const [rows] = await client.query<RowDataPacket[]>(
        `show global status where Variable_name in ('Handler_commit', 'Innodb_os_log_written')`,
      )
      const valueOf = (name: string): number =>
        Number(rows.find((row) => row['Variable_name'] === name)?.['Value'] ?? 0)
      return { writes: valueOf('Handler_commit'), bytes: valueOf('Innodb_os_log_written') }
    },
    close: () => client.end(),
  }
}

/** Calls of `write` and their bytes, of a process: sockets included, so for those that write files alone. */
export function processFootprint(pid: number | 'self'): FootprintReader {
  return {
    read: async () => {
      const text = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '')
      const valueOf = (name: string): number => Number(new RegExp(`${name}: (\\d+)`).exec(text)?.[1] ?? Number.NaN)
      return { writes: valueOf('syscw'), bytes: valueOf('wchar') }
    },
    close: async () => {},
  }
}
