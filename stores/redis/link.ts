import { AsyncResource } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { append } from '../../src/core/append.ts'
import { StoreError } from '../../src/core/errors.ts'
import { atEndOfTurn } from '../../src/core/host-immediate.ts'
import { withResolvers } from '../../src/core/own-promise.ts'
import { refusedTls } from '../../src/core/refused-tls.ts'
import { isError } from '../../src/core/thrown.ts'
import { damagedReply, isLost, storeError, storeName } from './errors.ts'
import { bucketOf } from './layout.ts'

/** ioredis's client for one server, or for a cluster. */
export type RedisClient = Redis | Cluster

export type Argument = string | number | Buffer

/** Lua that the server remembers by its digest. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** The beginning of a script that needs the server's time: `now`, in milliseconds since the epoch. */
export const now = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

/** For scripts that read several keys: the error of one, which says by its place which key it is that holds something else. */
export const errorOfKey = `
local function errorOfKey(reply, place)
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return redis.error_reply('${damagedReply} ' .. place) end
  return reply
end
`
const damagedKey = new RegExp(`${damagedReply} (\\d+)`)

export function script(lua: string): Script {
  const text = lua.trim()
  return { lua: text, sha: createHash('sha1').update(text).digest('hex') }
}

/** One command, or one script; texts in replies come as Buffers. */
export interface Call {
  /** The command, in lower case, or the script. */
  readonly run: string | Script
  /** All on one slot; of a command, the first only is given here if it has others. */
  readonly keys: readonly string[]
  readonly args: readonly Argument[]
}

/** Buffers, numbers, nulls, lists of them; or the error of this call alone. */
export type Reply = unknown

/** So many in one script cost about as little as more do (measured), and keep others waiting for a fraction of a millisecond. */
const groupSize = 64
/** Of buckets' indexes, of which a script reads some members each. */
const bucketGroupSize = 16

/** Calls with so many bytes go over a connection of their own: what comes after them in the other one would wait until they have arrived. */
const largeBytes = 2 ** 16

/**
 * What goes out for several callers runs in the async context of none of them: what `AsyncLocalStorage`s hold for the first one, such as the span of its trace, is not the
 * others', and a connection would keep it alive.
 */
const outsideCalls = new AsyncResource('docket')

/** Another connection to the same server. */
interface OtherConnection {
  readonly client: RedisClient
  close(): Promise<void>
}

/** Calls that go out together, and the replies to all of them. */
interface Gathered {
  readonly calls: Call[]
  readonly replies: Promise<readonly Reply[]>
  readonly send: () => void
}

/** Sends calls together over the connection that there is, and waits no longer than it has to. */
export class Link {
  readonly client: RedisClient
  readonly #timeoutMs: number
  readonly #isCluster: boolean
  readonly #connectAgain: () => Promise<OtherConnection>
  /** What is about to be sent. */
  #gathered: Gathered | undefined
  /** Why no connection comes about any more, where that is the server's certificate: it may have expired, or been changed. */
  #refusal: string | undefined
  /** Made for the first calls that are large. */
  #forLarge: Promise<OtherConnection | undefined> | undefined

  constructor(client: RedisClient, timeoutMs: number, connectAgain: () => Promise<OtherConnection>) {
    this.client = client
    this.#timeoutMs = timeoutMs
    this.#isCluster = client.isCluster
    this.#connectAgain = connectAgain
    client.on('error', (error: unknown) => {
      this.#refusal = refusedTls(error, serverOfClient(client)) ?? this.#refusal
    })
    client.on('ready', () => {
      this.#refusal = undefined
    })
  }

  /** Whether one script may have keys of all buckets. */
  get isOneServer(): boolean {
    return !this.#isCluster
  }

  /** Sends what is about to be sent, and ends the connection for large calls; the other one is not the link's. */
  async close(): Promise<void> {
    this.#gathered?.send()
    const forLarge = this.#forLarge
    this.#forLarge = Promise.resolve(undefined)
    await (await forLarge)?.close()
  }

  /**
   * Replies to all calls; each may be a StoreError of its own, the others have run all the same.
   * @throws StoreError when the server could not be reached at all
   */
  async tryAll(calls: readonly Call[]): Promise<readonly Reply[]> {
    if (calls.length === 0) return []
    const replies = [...(await this.#send(calls, false))]
    // A restarted server (or a new master) has forgotten the scripts. Nothing of such a call has run, so it is sent again as text.
    const forgotten = replies.flatMap((reply, index) => (isNoScript(reply) ? [index] : []))
    if (forgotten.length > 0) {
      const again = await this.#send(
        forgotten.map((index) => calls[index]!),
        true,
      )
      for (const [position, index] of forgotten.entries()) replies[index] = again[position]
    }
    for (const [index, reply] of replies.entries())
      if (isError(reply)) replies[index] = this.#errorOf(reply, keyOf(reply, calls[index]!))
    return replies
  }

  /** Replies to all calls. @throws StoreError of the first that failed, after all have run */
  async all(calls: readonly Call[]): Promise<readonly Reply[]> {
    const replies = await this.tryAll(calls)
    const error = replies.find((reply) => reply instanceof StoreError)
    if (error !== undefined) throw error
    return replies
  }

  /**
   * Replies to calls that the server runs at one moment, over one connection; texts in them come as strings. A cluster has no such moment.
   * @throws StoreError
   */
  async together(calls: readonly Call[]): Promise<readonly Reply[]> {
    const replies = await this.inTime(this.#transact(calls, false))
    const isForgotten = replies.some((reply) => isNoScript(reply))
    const all = isForgotten ? await this.inTime(this.#transact(calls, true)) : replies
    const error = all.find((reply) => isError(reply))
    if (error !== undefined) throw storeError(error, undefined, serverOfClient(this.client))
    return all
  }

  async one(call: Call): Promise<Reply> {
    return (await this.all([call]))[0]
  }

  /** Parts of a list that one script may serve: in a cluster, those of one bucket. */
  groupsOf<Item extends { readonly id: string }>(items: readonly Item[]): readonly (readonly Item[])[] {
    const lists = this.#isCluster ? [...Map.groupBy(items, ({ id }) => bucketOf(id)).values()] : [items]
    return lists.flatMap((list) => portionsOf(list, groupSize))
  }

  /** Parts of a list, of which each item is about a bucket of its own, that one script may serve: in a cluster, one. */
  bucketGroupsOf<Item>(items: readonly Item[], size = bucketGroupSize): readonly (readonly Item[])[] {
    return portionsOf(items, this.#isCluster ? 1 : size)
  }

  /** The answer, if it comes in time. What was sent may still run: all of it may be repeated. */
  async inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const server = serverOfClient(this.client)
        const message = `no answer from ${server} within ${this.#timeoutMs} ms; is the server reachable?`
        reject(new StoreError(storeName, message, true))
      }, this.#timeoutMs)
    })
    try {
      return await Promise.race([answer, late])
    } catch (error) {
      throw this.#errorOf(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** What is lost since no connection comes about says nothing of why. */
  #errorOf(thrown: unknown, key?: string): StoreError {
    const error = storeError(thrown, key, serverOfClient(this.client))
    if (this.#refusal === undefined || !isLost(thrown)) return error
    return new StoreError(storeName, this.#refusal, true, { cause: thrown })
  }

  async #send(calls: readonly Call[], asText: boolean): Promise<readonly Reply[]> {
    const isApart = isLarge(calls)
    const client = isApart ? await this.#clientForLarge() : this.client
    const sent = this.#isCluster
      ? sendEach(client, calls, asText)
      : isApart || asText
        ? sendTogether(client, calls, asText)
        : this.#sendWithOthers(calls)
    return allReplies(calls, await this.inTime(sent))
  }

  /** What is called for in one turn goes out together: to write to a socket costs more than most of what is written. */
  async #sendWithOthers(calls: readonly Call[]): Promise<readonly Reply[]> {
    const gathered = (this.#gathered ??= this.#gather())
    const from = gathered.calls.length
    append(gathered.calls, calls)
    return (await gathered.replies).slice(from, from + calls.length)
  }

  #gather(): Gathered {
    const calls: Call[] = []
    const { promise: replies, resolve } = withResolvers<readonly Reply[]>()
    const send = (): void => {
      if (this.#gathered?.calls !== calls) return
      this.#gathered = undefined
      resolve(outsideCalls.runInAsyncScope(() => sendTogether(this.client, calls, false)))
    }
    // At its end rather than at once: what the replies lead to that have come together goes together as well.
    atEndOfTurn(send)
    return { calls, replies, send }
  }

  /** Where another connection can't be had, there is the one. */
  async #clientForLarge(): Promise<RedisClient> {
    this.#forLarge ??= outsideCalls.runInAsyncScope(this.#connectAgain).catch(() => {
      this.#forLarge = undefined
      return undefined
    })
    return (await this.#forLarge)?.client ?? this.client
  }

  async #transact(calls: readonly Call[], asText: boolean): Promise<readonly Reply[]> {
    const transaction = this.client.multi()
    for (const call of calls) transaction.call(...commandOf(call, asText))
    try {
      const replies = (await transaction.exec()) ?? []
      return allReplies(
        calls,
        replies.map(([error, reply]) => error ?? reply),
      )
    } catch (thrown) {
      throw refusalOf(thrown) ?? thrown
    }
  }
}

async function sendTogether(client: RedisClient, calls: readonly Call[], asText: boolean): Promise<readonly Reply[]> {
  const pipeline = client.pipeline()
  for (const call of calls) pipeline.callBuffer(...commandOf(call, asText))
  const replies = (await pipeline.exec()) ?? []
  return replies.map(([error, reply]) => error ?? reply)
}

/**
 * A cluster's pipeline must go to one node, and is not sent again where slots have moved: so each command goes alone, all in
 * one turn. ioredis keeps them in order for each node.
 */
async function sendEach(client: RedisClient, calls: readonly Call[], asText: boolean): Promise<readonly Reply[]> {
  const replies = await Promise.allSettled(calls.map((call) => client.callBuffer(...commandOf(call, asText))))
  return replies.map((reply) => (reply.status === 'fulfilled' ? reply.value : asError(reply.reason)))
}

/** Of some that have no reply nobody knows whether they have run: that is no answer that says so. @throws StoreError */
function allReplies(calls: readonly Call[], replies: readonly Reply[]): readonly Reply[] {
  if (replies.length === calls.length && replies.every((reply) => reply !== undefined)) return replies
  throw new StoreError(
    storeName,
    `the server did not answer all of ${calls.length} commands that went out together`,
    true,
  )
}

function portionsOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, portion) =>
    items.slice(portion * size, (portion + 1) * size),
  )
}

function isLarge(calls: readonly Call[]): boolean {
  let bytes = 0
  for (const { args } of calls)
    for (const arg of args) if (typeof arg !== 'number' && (bytes += arg.length) >= largeBytes) return true
  return false
}

/** Where a client connects to: what may be shown of it. */
export function serverOfClient(client: RedisClient): string {
  if (client.isCluster) return 'the cluster'
  const { path, host, port, db, sentinels, name } = (client as Redis).options
  if (path !== undefined && path !== null) return `${path}/${db ?? 0}`
  if (sentinels) return `the master ${name ?? ''} of the sentinels`
  return `${host ?? 'localhost'}:${port ?? 6379}/${db ?? 0}`
}

function commandOf({ run, keys, args }: Call, asText: boolean): [name: string, ...args: Argument[]] {
  // In capitals: transformers that somebody has set for all of ioredis (`Command.setReplyTransformer`) are found by names in lower case.
  if (typeof run === 'string') return [run.toUpperCase(), ...keys, ...args]
  return asText ? ['EVAL', run.lua, keys.length, ...keys, ...args] : ['EVALSHA', run.sha, keys.length, ...keys, ...args]
}

/** Why a command was refused, where a transaction fails because of one. */
function refusalOf(thrown: unknown): unknown {
  const errors: unknown = isError(thrown) && 'previousErrors' in thrown ? thrown.previousErrors : undefined
  return Array.isArray(errors) ? errors[0] : undefined
}

/** Which of a call's keys an error is about. */
function keyOf({ message }: Error, { keys }: Call): string | undefined {
  const place = damagedKey.exec(message)?.[1]
  return keys[place === undefined ? 0 : Number(place) - 1]
}

function isNoScript(reply: Reply): boolean {
  return isError(reply) && reply.message.includes('NOSCRIPT')
}

function asError(reason: unknown): Error {
  return isError(reason) ? reason : new Error(String(reason))
}
