import type { Redis } from 'ioredis'
import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import { describeThrown } from '../../src/core/thrown.ts'
import { isCluster } from './connect.ts'
import type { Connection } from './connection.ts'
import type { Link } from './link.ts'
import { connectionOf, isRefusal } from './sessions.ts'

type Parts = Pick<Connection, 'link' | 'layout'>

/** Settings of a Redis that cost executions, of each master of a cluster. @throws StoreError */
export async function diagnoseRedis(parts: Parts, watchesSessions: boolean): Promise<readonly StoreFinding[]> {
  const { link } = parts
  const { client } = link
  const nodes = isCluster(client) ? client.nodes('master') : [client]
  const found = await Promise.all(nodes.map((node) => findingsOf(link, node)))
  const findings = found.flatMap((some, index) =>
    nodes.length === 1 ? some : some.map((one) => ({ ...one, text: `node ${index + 1}: ${one.text}` })),
  )
  if (!isCluster(client)) return [...findings, await sessionsFinding(parts, watchesSessions)]
  return [
    ...findings,
    { check: 'sessions', level: 'warning', text: 'in a cluster, a process that dies is seen by its lease alone' },
  ]
}

async function findingsOf(link: Link, node: Redis): Promise<readonly StoreFinding[]> {
  const info = await infoOf(link, node)
  if (info === undefined)
    return [
      {
        check: 'server',
        level: 'warning',
        text: 'a Redis with the format of this version; the user may not look at its settings: see yourself that maxmemory-policy is noeviction and appendonly is yes, or allow INFO and CONFIG GET',
      },
    ]
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
  ]
}

/** What the server says of itself; undefined where the user may not ask, which a store can do without. */
async function infoOf(link: Link, node: Redis): Promise<string | undefined> {
  try {
    return String(await link.inTime(Promise.resolve(node.call('info'))))
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
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

/** Whether others see the end of a process by its connection: what a store tries when it is opened. */
async function sessionsFinding({ link, layout }: Parts, watchesSessions: boolean): Promise<StoreFinding> {
  const check = 'sessions'
  const byLease = 'a process that dies is seen by its lease alone'
  if (!watchesSessions) return { check, level: 'good', text: `${byLease}, as watchSessions says` }
  const remedy = 'it takes Redis 6.2, no proxy that hides connections, and CLIENT ID, CLIENT LIST, INFO, MULTI and EXEC'
  const narrow = `${byLease}: the user may not look at connections`
  try {
    if ((await connectionOf(link, layout)) !== undefined)
      return { check, level: 'good', text: 'a process that dies is seen by the end of its connection' }
    return { check, level: 'warning', text: `${narrow}, or does not see its own; ${remedy}` }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return { check, level: 'warning', text: `${narrow} (${describeThrown(error)}); ${remedy}` }
  }
}
