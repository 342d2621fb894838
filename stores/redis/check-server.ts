import { StoreError } from '../../src/core/errors.ts'
import { isCluster } from './connect.ts'
import { storeName } from './errors.ts'
import type { Layout } from './layout.ts'
import { formatVersion } from './layout.ts'
import { script } from './link.ts'
import type { Link } from './link.ts'

const formatScript = script(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
`)

/** Makes sure that what lies under the prefix has the format that is known here. @throws StoreError */
export async function checkFormat(link: Link, { format }: Layout): Promise<void> {
  const found = String(await link.one({ run: formatScript, keys: [format], args: [formatVersion] }))
  if (found === String(formatVersion)) return
  const isNewer = Number(found) > formatVersion
  const message = isNewer
    ? `the data has format ${found}, this version knows ${formatVersion} at most: use the version of docket that wrote it, or a newer one`
    : `the key ${format} says that the data has format ${JSON.stringify(found)}, which is not one of docket's: does another program use this prefix? Give the store another prefix`
  throw new StoreError(storeName, message, false)
}

const warned = new Set<string>()

/** Warns, once, of a server that throws keys away when it is full. Does nothing where the server doesn't say. */
export async function warnOfEviction(link: Link, { leases }: Layout): Promise<void> {
  let policy: string | undefined
  try {
    const { client } = link
    const node = isCluster(client) ? client.nodes('master')[0] : client
    // INFO is allowed where CONFIG is not.
    const info = String(await link.inTime(Promise.resolve(node?.call('info', 'memory'))))
    policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  } catch {
    return
  }
  if (policy === undefined || policy === 'noeviction' || warned.has(leases)) return
  warned.add(leases)
  process.emitWarning(
    `the Redis server has maxmemory-policy ${policy}: when it is full it throws executions away. Set it to noeviction`,
    { type: 'DocketStoreWarning' },
  )
}
