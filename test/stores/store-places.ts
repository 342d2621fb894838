import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createPool } from 'mysql2/promise'
import { afterAll, onTestFinished } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { memoryFolder } from '../servers/memory-folder.ts'
import { serverUrl, serverUrls } from '../servers/server-url.ts'
import { postgresPlace } from './postgres-place.ts'
import { redisSpace } from './redis-spaces.ts'
import { dropPrefix } from './tables-of-prefix.ts'

/** A store's name, and what makes a new place in each test; that gives stores which share it. */
export type StorePlace = readonly [name: string, newPlace: () => () => Store]

/** A file that is not there yet. */
function newPath(): string {
  const folder = memoryFolder('places')
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'docket.db')
}

function newSpace(urls: readonly string[], isCluster: boolean): () => () => Store {
  return () => {
    const space = redisSpace(urls, isCluster)
    onTestFinished(async () => space.dispose?.())
    return () => space.createStore()
  }
}

/** Places on all servers; what a test makes there is removed at its end. Await it at the top of a test file. */
export async function storePlaces() {
  const { url: postgresUrl, pool, newSchema } = await postgresPlace()
  const mysqlUrl = await serverUrl('mysql')
  const redisUrl = await serverUrl('redis')
  const clusterUrls = await serverUrls('redis-cluster')
  const admin = createPool({ uri: mysqlUrl, connectionLimit: 2, charset: 'utf8mb4' })
  afterAll(() => admin.end())

  /** What the names of tables in MySQL begin with. */
  const newPrefix = (): string => {
    const prefix = `w${randomBytes(8).toString('hex')}_`
    onTestFinished(() => dropPrefix(admin, prefix))
    return prefix
  }
  const sqlStores: readonly StorePlace[] = [
    [
      'sqlite',
      () =>
        (
          (path) => () =>
            sqliteStore(path)
        )(newPath()),
    ],
    [
      'postgres',
      () =>
        (
          (schema) => () =>
            postgresStore({ url: postgresUrl, schema, max: 3 })
        )(newSchema()),
    ],
    [
      'mysql',
      () =>
        (
          (prefix) => () =>
            mysqlStore({ url: mysqlUrl, prefix, max: 3 })
        )(newPrefix()),
    ],
  ]
  const redisStores: readonly StorePlace[] = [
    ['redis', newSpace([redisUrl], false)],
    ['redis cluster', newSpace(clusterUrls, true)],
  ]
  return { postgresUrl, mysqlUrl, clusterUrls, pool, admin, newPath, newSchema, newPrefix, sqlStores, redisStores }
}
