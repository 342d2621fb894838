import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Layout, ownerOf, statusOf, timeOf, unescapeText } from '../../../stores/redis/layout.ts'
import { loadPacker, MsgpackFormat } from '../../../stores/redis/msgpack.ts'
import type { Packer } from '../../../stores/redis/msgpack.ts'
import { isStepField, stepRecord } from '../../../stores/redis/step-record.ts'
import { unpackedText, valueOf } from '../../../stores/redis/values.ts'
import type { StoredValue } from '../../../src/core/contracts/stored-value.ts'
import type { StoreAddress } from '../../processes/store-address.ts'
import type { Change, ExecutionRow, ResultRow, StepRow, Witness } from './change.ts'
import { RedisStream } from './redis-stream.ts'
import type { Command } from './redis-stream.ts'

type Hash = Map<string, Buffer>

const leastLateMs = 250
const probeMs = 50

const resultStatuses: Readonly<Record<string, string>> = { R: 'running', C: 'completed', F: 'failed', X: 'released' }

/** Follows a server as its replicas do, and keeps what it needs of the keys: what a script changes is seen as one change of each. */
export async function redisWitness({ url, space }: StoreAddress): Promise<Witness> {
  const client = new Redis(url)
  const reader = new RowReader(space, await loadPacker())
  const shadow = new Shadow(reader)
  const stream = new RedisStream(Number(new URL(url).port), (commands) => shadow.apply(commands))
  await stream.ready
  const loop = monitorEventLoopDelay()
  loop.enable()
  // On a busy machine the server may be late as well.
  const probing = setInterval(() => void client.publish(`${space}:now`, String(Date.now())).catch(() => {}), probeMs)
  return {
    // It is stamped when it arrives, and when this process comes to read it.
    get lateMs() {
      return leastLateMs + Math.max(loop.max / 1e6, shadow.latestMs)
    },
    async *changes() {
      // The end of the stream is there when what is written last has come.
      await client.set(`${space}:end`, '1')
      while (!shadow.hasEnded) await sleep(10)
      yield* shadow.changes
    },
    async leftovers() {
      const names: string[] = []
      for await (const keys of client.scanStream({ match: `${space}:*`, count: 1_000 }) as AsyncIterable<string[]>)
        names.push(...keys)
      const found = await Promise.all(
        names.map(async (name) => ((await isExpected(client, name, space)) ? [] : [`the key ${JSON.stringify(name)}`])),
      )
      return found.flat()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(probing)
      loop.disable()
      stream.close()
      client.disconnect()
    },
  }
}

/** The format's version, what is known of owners, results, and claims: those of processes that died end by themselves. */
async function isExpected(client: Redis, name: string, space: string): Promise<boolean> {
  const layout = new Layout(space)
  if ([layout.format, layout.leases, layout.renewals, layout.workers].includes(name)) return true
  return /\{r\d+\}:k:/.test(name) && /^[CXR]/.test((await client.get(name)) ?? 'X')
}

/** The keys as they are, and what became of the rows in them. */
class Shadow {
  readonly changes: Change[] = []
  hasEnded = false
  /** How long something that was sent to the server took at most to arrive here. */
  latestMs = 0
  readonly #reader: RowReader
  readonly #executions = new Map<string, Hash>()
  /** Messages by their numbers. */
  readonly #mailboxes = new Map<string, Map<number, string>>()
  readonly #results = new Map<string, Buffer>()

  constructor(reader: RowReader) {
    this.#reader = reader
  }

  /** What took effect at once. */
  apply(commands: readonly Command[]): void {
    const at = Date.now()
    const touched = new Map<string, () => void>()
    for (const command of commands) {
      const [first, ...rest] = command
      const name = first!.toString('latin1').toUpperCase()
      const isRemoval = name === 'DEL' || name === 'UNLINK'
      for (const key of isRemoval ? rest : rest.slice(0, 1)) {
        const text = key.toString()
        const place = this.#reader.placeOf(text)
        if (place === undefined) continue
        if (place.kind === 'end') this.hasEnded = true
        else if (place.kind === 'now') this.latestMs = Math.max(this.latestMs, at - Number(rest[1]!.toString()))
        else {
          if (!touched.has(text)) touched.set(text, this.#watch(place.kind, place.id, at))
          this.#change(place, isRemoval ? 'DEL' : name, isRemoval ? [] : rest.slice(1))
        }
      }
    }
    for (const tellDifference of touched.values()) tellDifference()
  }

  #change({ kind, id }: Place, name: string, args: readonly Buffer[]): void {
    if (kind === 'execution') this.#changeHash(id, name, args)
    else if (kind === 'mailbox') this.#changeMailbox(id, name, args)
    else if (name === 'SET') this.#results.set(id, args[0]!)
    else if (name === 'DEL') this.#results.delete(id)
    else if (name !== 'PEXPIREAT') throw new Error(`unknown change of a result: ${name}`)
  }

  #changeHash(id: string, name: string, args: readonly Buffer[]): void {
    if (name === 'DEL') {
      this.#executions.delete(id)
      return
    }
    let hash = this.#executions.get(id)
    if (hash === undefined) this.#executions.set(id, (hash = new Map()))
    if (name === 'HSET') for (let i = 0; i < args.length; i += 2) hash.set(args[i]!.toString('latin1'), args[i + 1]!)
    else if (name === 'HDEL') for (const field of args) hash.delete(field.toString('latin1'))
    // Numbers of messages.
    else if (name !== 'HINCRBY') throw new Error(`unknown change of an execution: ${name}`)
  }

  #changeMailbox(id: string, name: string, args: readonly Buffer[]): void {
    const mailbox = this.#mailboxes.get(id) ?? new Map<number, string>()
    this.#mailboxes.set(id, mailbox)
    if (name === 'DEL') mailbox.clear()
    else if (name === 'ZADD') mailbox.set(Number(args[0]!.toString()), args[1]!.toString('latin1'))
    else if (name === 'ZREMRANGEBYSCORE') {
      const last = Number(args[1]!.toString())
      for (const seq of mailbox.keys()) if (seq <= last) mailbox.delete(seq)
    } else throw new Error(`unknown change of a mailbox: ${name}`)
  }

  /** Remembers a key as it is; what it gives writes down how it differs then. */
  #watch(kind: Place['kind'], id: string, at: number): () => void {
    if (kind === 'execution') {
      const before = new Map(this.#executions.get(id))
      return () => this.#differHash(id, at, before, this.#executions.get(id))
    }
    if (kind === 'mailbox') {
      const before = new Map(this.#mailboxes.get(id))
      return () => this.#differMailbox(id, at, before, this.#mailboxes.get(id)!)
    }
    const before = this.#results.get(id)
    return () => {
      const after = this.#results.get(id)
      if (before !== after)
        this.changes.push({ subject: 'result', id, part: '', at, row: after && this.#reader.result(after) })
    }
  }

  #differHash(id: string, at: number, before: Hash, after: Hash | undefined): void {
    const differs = (field: string): boolean => before.get(field)?.equals(after?.get(field) ?? empty) !== true
    if (
      after === undefined ||
      ['s', 'o', 'e', 'v', 'z'].some((field) => (before.has(field) || after.has(field) ? differs(field) : false))
    )
      this.changes.push({ subject: 'execution', id, part: '', at, row: after && this.#reader.execution(after) })
    for (const field of new Set([...before.keys(), ...(after?.keys() ?? [])])) {
      if (!isStepField(Buffer.from(field, 'latin1')) || !differs(field)) continue
      const bytes = after?.get(field)
      const { part, row } = this.#reader.step(id, field, bytes)
      this.changes.push({ subject: 'step', id, part, at, row })
    }
  }

  #differMailbox(
    id: string,
    at: number,
    before: ReadonlyMap<number, string>,
    after: ReadonlyMap<number, string>,
  ): void {
    for (const seq of before.keys())
      if (!after.has(seq)) this.changes.push({ subject: 'message', id, part: String(seq), at, row: undefined })
    for (const [seq, message] of after) {
      if (before.has(seq)) continue
      const kind = /cancel|retry|delete/.exec(message)?.[0] ?? 'unknown'
      this.changes.push({ subject: 'message', id, part: String(seq), at, row: { kind } })
    }
  }
}

const empty = Buffer.alloc(0)

interface Place {
  readonly kind: 'execution' | 'mailbox' | 'result' | 'end' | 'now'
  readonly id: string
}

/** Reads what stands in keys. */
class RowReader {
  readonly #space: string
  readonly #packer: Packer
  readonly #format = new MsgpackFormat()

  constructor(space: string, packer: Packer) {
    this.#space = space
    this.#packer = packer
    this.#format.usePacker(packer)
  }

  placeOf(key: string): Place | undefined {
    if (key === `${this.#space}:end`) return { kind: 'end', id: '' }
    if (key === `${this.#space}:now`) return { kind: 'now', id: '' }
    if (!key.startsWith(`${this.#space}:{`)) return undefined
    const match = /^\{r?\d+\}:([xmk]):(.*)$/s.exec(key.slice(this.#space.length + 1))
    if (match === null) return undefined
    const kinds = { x: 'execution', m: 'mailbox', k: 'result' } as const
    return { kind: kinds[match[1] as keyof typeof kinds], id: unescapeText(match[2]!) }
  }

  execution(hash: Hash): ExecutionRow {
    const text = (field: string): string => hash.get(field)?.toString() ?? ''
    const constant = this.#packer.unpack(hash.get('i')!) as readonly unknown[]
    const [output, ended] = [hash.get('v'), hash.get('z')]
    return {
      status: statusOf(text('s')) ?? text('s'),
      owner: ownerOf(text('o')),
      epoch: Number(text('e')),
      output: output && this.#output(valueOf(output)),
      endedAt: ended && timeOf(ended.toString()),
      forkedFrom: unpackedText(constant[5] ?? undefined),
    }
  }

  step(
    id: string,
    field: string,
    bytes: Buffer | undefined,
  ): { readonly part: string; readonly row: StepRow | undefined } {
    const name = Buffer.from(field, 'latin1')
    if (bytes === undefined) return { part: unescapeText(name.toString('utf8', 1).split('\0')[0]!), row: undefined }
    const { step, status, attempt, type, output } = stepRecord(id, '', name, bytes, this.#packer)
    return { part: step, row: { status, attempt, type, output: output && this.#output(output) } }
  }

  result(bytes: Buffer): ResultRow {
    const [head = '', owner = ''] = bytes.toString('latin1').split('\0', 2)
    const output = bytes.subarray(head.length + owner.length + 2)
    return {
      status: resultStatuses[head[0]!] ?? head,
      owner: ownerOf(owner),
      epoch: Number(head.slice(1)),
      output: head.startsWith('C') ? this.#output(valueOf(output)) : undefined,
    }
  }

  #output(stored: StoredValue): string {
    return JSON.stringify(this.#format.decode(stored))
  }
}
