import type { Redis } from 'ioredis'
import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import { describeThrown } from '../../src/core/thrown.ts'
import { isCluster } from './connect.ts'
import type { Link } from './link.ts'

/** Settings of a Redis that cost executions, of each master of a cluster. @throws StoreError */
export async function diagnoseRedis(link: Link): Promise<readonly StoreFinding[]> {
  const { client } = link
  const nodes = isCluster(client) ? client.nodes('master') : [client]
  const found = await Promise.all(nodes.map((node) => findingsOf(link, node)))
  const findings = found.flatMap((some, index) =>
    nodes.length === 1 ? some : some.map((one) => ({ ...one, text: `node ${index + 1}: ${one.text}` })),
  )
  if (!isCluster(client)) return findings
  return [
    ...findings,
    { check: 'sessions', level: 'warning', text: 'in a cluster, a process that dies is seen by its lease alone' },
  ]
}

async function findingsOf(link: Link, node: Redis): Promise<readonly StoreFinding[]> {
  const info = String(await link.inTime(Promise.resolve(node.call('info'))))
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  return [
    {
      check: 'server',
      level: 'good',
      text: `Redis ${field('redis_version') ?? 'of an unknown version'}, with the format of this version`,
    },
    evictionFinding(field('maxmemory_policy')),
    ...fullness(Number(field('maxmemory')), Number(field('used_memory'))),
    await persistenceFinding(link, node, field('aof_enabled')),
    ...(field('role') === 'slave'
      ? [{ check: 'replica', level: 'problem', text: 'the server is a replica, which takes no writes' } as const]
      : []),
    ...(isCluster(link.client) ? [] : [await sessionsFinding(link, node, field('redis_version') ?? '')]),
  ]
}

function evictionFinding(policy: string | undefined): StoreFinding {
  if (policy === 'noeviction')
    return { check: 'maxmemory-policy', level: 'good', text: 'maxmemory-policy is noeviction' }
  return {
    check: 'maxmemory-policy',
    level: 'problem',
    text: `maxmemory-policy is ${policy ?? 'not known'}: when the memory is full, the server throws executions away; set it to noeviction`,
  }
}

function fullness(most: number, used: number): readonly StoreFinding[] {
  if (!(most > 0)) return []
  const percent = Math.round((used / most) * 100)
  return [
    percent < 80
      ? { check: 'memory', level: 'good', text: `${percent}% of the memory are used` }
      : {
          check: 'memory',
          level: 'warning',
          text: `${percent}% of the memory are used: everything is in memory, so purge what has ended (retain), or raise maxmemory`,
        },
  ]
}

async function persistenceFinding(link: Link, node: Redis, enabled: string | undefined): Promise<StoreFinding> {
  const check = 'appendonly'
  if (enabled !== '1')
    return {
      check,
      level: 'problem',
      text: 'appendonly is off: a restart of the server loses what came since its last snapshot, or everything; set appendonly yes',
    }
  let policy: string | undefined
  try {
    const reply = (await link.inTime(Promise.resolve(node.call('config', 'get', 'appendfsync')))) as readonly unknown[]
    policy = String(reply[1])
  } catch (error) {
    return { check, level: 'warning', text: `appendonly is on; appendfsync can’t be read (${describeThrown(error)})` }
  }
  if (policy === 'always') return { check, level: 'good', text: 'each commit waits for the disk' }
  return {
    check,
    level: 'warning',
    text: `appendfsync is ${policy}: a crash can lose seconds of confirmed commits; set it to always if nothing may be lost`,
  }
}

async function sessionsFinding(link: Link, node: Redis, version: string): Promise<StoreFinding> {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const check = 'sessions'
  if (major < 6 || (major === 6 && minor < 2))
    return {
      check,
      level: 'warning',
      text: `Redis ${version} is older than 6.2: a process that dies is seen by its lease alone`,
    }
  try {
    await link.inTime(Promise.resolve(node.call('client', 'id')))
    await link.inTime(Promise.resolve(node.call('client', 'list')))
    return { check, level: 'good', text: 'a process that dies is seen by the end of its connection' }
  } catch (error) {
    return {
      check,
      level: 'warning',
      text: `a process that dies is seen by its lease alone: the user may not look at connections (${describeThrown(error)}); allow CLIENT ID, CLIENT LIST, INFO, MULTI and EXEC`,
    }
  }
}
