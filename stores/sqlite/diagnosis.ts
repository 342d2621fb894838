import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import type { SqliteConnection } from './connection.ts'
import type { SqlitePlace } from './options.ts'

/** File systems of other machines, by the numbers that Linux gives them. */
const networkDisks: Readonly<Record<number, string>> = {
  0x69_69: 'NFS',
  0x51_7b: 'SMB',
  0xff_53_4d_42: 'CIFS',
  0xfe_53_4d_42: 'SMB 2',
  0x01_02_19_97: '9P',
  0x65_73_55_46: 'FUSE',
  0x00_c3_64_00: 'Ceph',
  0x78_6f_42_56: 'a folder that VirtualBox shares',
}

const safest = 2

/** Settings of a SQLite file that cost executions. @throws StoreError */
export async function diagnoseSqlite(
  connection: SqliteConnection,
  { path, database }: SqlitePlace,
): Promise<readonly StoreFinding[]> {
  const file = database?.location() ?? path
  const isInMemory = file === '' || file === ':memory:'
  if (isInMemory)
    return [
      { check: 'file', level: 'warning', text: 'the database is in memory: it ends with its process; give a path' },
    ]
  const mode = String(Object.values(connection.first('pragma journal_mode') ?? {})[0])
  const synchronous = Number(Object.values(connection.first('pragma synchronous') ?? {})[0])
  return [
    { check: 'server', level: 'good', text: `SQLite ${process.versions['sqlite']}, with the tables of this version` },
    mode === 'wal'
      ? { check: 'journal_mode', level: 'good', text: 'journal_mode is wal' }
      : {
          check: 'journal_mode',
          level: 'problem',
          text: `journal_mode is ${mode}: readers and writers hold each other up, and processes that share the file fail with locks; ${database === undefined ? 'a store of this path sets it to wal unless it says migrate: false, as up() of sqliteMigrations(…) does' : 'set journal_mode = wal on your connection'}`,
        },
    synchronous >= safest
      ? { check: 'synchronous', level: 'good', text: 'each commit waits for the disk' }
      : {
          check: 'synchronous',
          level: 'warning',
          text: "the last commits are lost when the power fails (not when the process dies); synchronous: 'full' waits for the disk",
        },
    diskFinding(statfsSync(dirname(file)).type),
  ]
}

/** Whether files on a file system of this type, as `statfs` gives it, are on this machine. */
export function diskFinding(type: number): StoreFinding {
  const network = networkDisks[type]
  return network === undefined
    ? { check: 'disk', level: 'good', text: 'the file is on a local disk' }
    : {
        check: 'disk',
        level: 'problem',
        text: `the file is on a disk of another machine (${network}): locks and leases do not hold there; use a local disk, or PostgreSQL`,
      }
}
