import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import { hasFew, headOf, isOfFewKeys, saysAll, takeOut } from './bucket-heads.ts'
import type { BucketHead, HeadReply } from './bucket-heads.ts'
import type { Connection } from './connection.ts'
import { addTo, Firsts } from './first-places.ts'
import type { Prefixes } from './first-places.ts'
import { bucketCount, bucketOf, buckets, escapeText, indexPrefix, ownerText, placeInQueue, timeOf } from './layout.ts'
import type { Argument } from './link.ts'
import type { Owners } from './owners.ts'
import { packedLists } from './packed-lists.ts'
import type { ReadyCandidate } from './ready-looks.ts'
import { headsScript } from './ready-scripts.ts'

/** What wants more takes so many at once that a look of its own costs little for each. */
const mostWanted = 16
const mostExcepted = 16
const mostSpare = 8
/** Of one bucket and graph. */
const mostKeys = 8
/** What an older version of this package changes is not counted: so nothing is taken to be as it was for longer. */
const trustMs = 1_000
const mostKept = 8
const unsureMs = 200
/** Of those of which little is known any more, or that were read long ago, so many are read by one look. */
const mostAgain = 4

/** What a look would find if nothing had changed since it was read. */
export interface Expected {
  /** For one script: the first ones, by key each, as many as are wanted and to spare. */
  readonly candidates: readonly ReadyCandidate[]
  readonly keys: readonly string[]
  readonly args: readonly Argument[]
}

/** What is known of a queue and some graphs, by bucket. */
interface Known {
  readonly heads: (BucketHead | undefined)[]
  /** Owners that may have something in a bucket, and maybe more that had; another set where they may be others. */
  owners: ReadonlySet<string>
  /** For each graph. */
  readonly prefixes: readonly Prefixes[]
  portion: number
}

/**
 * The first of what is ready, as a process has read it last: a look asks each bucket for no more than whether it is still so. Whoever wants a few can't pay for reading
 * all of them each time.
 */
export class ReadyHeads {
  readonly #connection: Connection
  readonly #owners: Owners
  /** The work of all buckets, then their counts. */
  readonly #keys: readonly string[]
  /** How many more than are wanted are tried: as many as others have taken first of late. */
  spare = 0
  /** Queues that were paused, or had limits, when they were read last. */
  readonly restricted = new Set<string>()
  /** What was said of others. */
  readonly said = new Map<string, string>()
  readonly #known = new Map<string, Known>()
  /** Until then nothing is expected: an owner that has died stands in its buckets for a while. */
  #unsureUntil = 0

  constructor(connection: Connection, owners: Owners) {
    this.#connection = connection
    this.#owners = owners
    const { layout } = connection
    this.#keys = [...buckets.map((bucket) => layout.work(bucket)), ...buckets.map((bucket) => layout.changes(bucket))]
  }

  /** Whether a request is one for a few of the first ones, and no bucket was seen of late that has too many keys for its head to say all. */
  suits({ limit, except = [], andOwn, ranges, graphs = [], queue = defaultQueue }: AcquireRequest): boolean {
    const isPlain = andOwn !== true && !graphs.some((graph) => ranges?.has(graph))
    if (!isPlain || limit > mostWanted || except.length > mostExcepted) return false
    const since = performance.now() - trustMs
    const heads = this.#known.get(nameOf(queue, graphs))?.heads ?? []
    return !heads.some((head) => head !== undefined && head.readAt > since && !isOfFewKeys(head))
  }

  /** What may be taken; undefined where a look of its own is needed: something is due, or was lost. Only where `suits`. */
  async find(request: AcquireRequest): Promise<readonly ReadyCandidate[] | undefined> {
    const { owner, limit, except, graphs = [], queue = defaultQueue } = request
    const wanted = limit + this.spare
    const known = this.#knownOf(queue, graphs, wanted)
    const { owners } = known
    const own = ownerText(owner)
    const [{ dead, time }] = await Promise.all([
      this.#owners.judge(without(owners, own)),
      this.#refresh(known, queue, graphs),
    ])
    if (dead.size > 0 || (await this.#hasDead(known, owners, own))) return undefined
    if (!saysAll(known.heads, time)) return undefined
    return firstsOf(known, wanted, except) ?? this.find(request)
  }

  /** What is known of the first ones; undefined where that is not enough. Only where `suits`, and all buckets are in one script's reach. */
  expected(request: AcquireRequest): Expected | undefined {
    const { owner, limit, except, graphs = [], queue = defaultQueue } = request
    const wanted = limit + this.spare
    const known = this.#knownOf(queue, graphs, wanted)
    const { heads, owners, portion } = known
    const now = performance.now()
    if (now < this.#unsureUntil) return undefined
    const since = now - trustMs
    const soon = since + trustMs / 2
    const counts: string[] = []
    const again: number[] = []
    let due = ''
    for (const [bucket, head] of heads.entries()) {
      if (head === undefined || head.readAt <= since || !isOfFewKeys(head)) return undefined
      counts.push(head.changes)
      if (again.length < mostAgain && (head.readAt <= soon || hasFew(head, 2 * wanted))) again.push(bucket + 1)
      for (const graph of head.graphs)
        for (const time of [graph.due, graph.later]) if (time !== '' && (due === '' || time < due)) due = time
    }
    const candidates = firstsOf(known, wanted, except)
    if (candidates === undefined) return undefined
    return {
      candidates,
      keys: this.#keys,
      args: [
        this.said.get(queue) ?? '',
        due === '' ? '' : timeOf(due),
        packedLists([without(owners, ownerText(owner))]),
        again.join(','),
        portion,
        mostKeys,
        counts.join(','),
        ...graphs.map((graph) => placeInQueue(queue, graph)),
      ],
    }
  }

  /** What was expected could not be: a dead owner, what is due, another state of the queue. */
  wasUnexpected(): void {
    this.#unsureUntil = performance.now() + unsureMs
  }

  /** What is in some buckets after what was taken. */
  readAgain({ limit, graphs = [], queue = defaultQueue }: AcquireRequest, heads: readonly HeadReply[]): void {
    putHeads(this.#knownOf(queue, graphs, limit), buckets, heads, performance.now())
  }

  /** What may be taken now that some buckets were read again at a time of the server's; undefined where a look of its own is needed. */
  async findAmong(
    request: AcquireRequest,
    time: number,
    changed: readonly HeadReply[],
  ): Promise<readonly ReadyCandidate[] | undefined> {
    const { owner, limit, except, graphs = [], queue = defaultQueue } = request
    const wanted = limit + this.spare
    const known = this.#knownOf(queue, graphs, wanted)
    const { owners } = known
    putHeads(known, buckets, changed, performance.now())
    if (await this.#hasDead(known, owners, ownerText(owner))) return undefined
    if (!saysAll(known.heads, time)) return undefined
    return firstsOf(known, wanted, except)
  }

  /** Of the owners that are known now, and were not then, whether one is dead. */
  async #hasDead(known: Known, judged: ReadonlySet<string>, own: string): Promise<boolean> {
    if (known.owners === judged) return false
    const unjudged = without(known.owners, own).filter((one) => !judged.has(one))
    return (await this.#owners.deadOf(unjudged)).size > 0
  }

  /** Of those that were tried, others had taken so many first. */
  lost(count: number): void {
    this.spare = Math.min(mostSpare, count > 0 ? this.spare + count : Math.max(0, this.spare - 1))
  }

  /** One was taken, and its bucket's count is that of then. */
  taken(request: AcquireRequest, { id, member }: Pick<ReadyCandidate, 'id' | 'member'>, changes: string): void {
    const { owner, queue = defaultQueue, graphs = [] } = request
    const known = this.#known.get(nameOf(queue, graphs))
    const bucket = bucketOf(id)
    const head = known?.heads[bucket]
    if (head === undefined) return
    const isAmong = member.startsWith('n') || member.startsWith('v')
    if (!isAmong || Number(head.changes) + 1 !== Number(changes)) {
      // Others have changed something there, too.
      known!.heads[bucket] = undefined
      return
    }
    head.changes = changes
    const own = ownerText(owner)
    if (!head.owners.includes(own)) head.owners.push(own)
    if (!known!.owners.has(own)) known!.owners = new Set([...known!.owners, own])
    for (const graph of head.graphs) takeOut(graph, escapeText(id))
  }

  #knownOf(queue: string, graphs: readonly string[], limit: number): Known {
    const name = nameOf(queue, graphs)
    const known = this.#known.get(name) ?? {
      heads: buckets.map(() => undefined),
      owners: new Set(),
      prefixes: graphs.map((graph) => ({
        toGoOn: indexPrefix.toGoOn(queue, graph),
        inTurn: indexPrefix.inTurn(queue, graph),
      })),
      portion: 0,
    }
    known.portion = Math.max(known.portion, 2 * limit + mostExcepted)
    this.#known.delete(name)
    this.#known.set(name, known)
    // The one that was used last comes last.
    if (this.#known.size > mostKept) this.#known.delete(this.#known.keys().next().value!)
    return known
  }

  async #refresh(of: Known, queue: string, graphs: readonly string[]): Promise<void> {
    const { heads, portion } = of
    const { link } = this.#connection
    const now = performance.now()
    const places = graphs.map((graph) => placeInQueue(queue, graph))
    // All in one script: few have changed, and of those that have it reads the beginning.
    const groups = link.bucketGroupsOf(buckets, bucketCount)
    const known = heads.map((head) => (head !== undefined && now - head.readAt < trustMs ? head : undefined))
    const replies = await link.all(
      groups.map((group) => ({
        run: headsScript,
        keys: [0, bucketCount].flatMap((from) => group.map((bucket) => this.#keys[from + bucket]!)),
        args: [portion, mostKeys, group.map((bucket) => known[bucket]?.changes ?? '-').join(','), ...places],
      })),
    )
    for (const [index, group] of groups.entries()) {
      // Where it is the same, what was known then is: others may have changed it here meanwhile.
      for (const bucket of group) heads[bucket] ??= known[bucket]
      putHeads(of, group, replies[index] as readonly HeadReply[], now)
    }
  }
}

/** The first ones of buckets that are all known; undefined where some may have more that comes first: these are read again then, all at once. */
function firstsOf(
  { heads, prefixes }: Known,
  wanted: number,
  except: readonly string[] | undefined,
): readonly ReadyCandidate[] | undefined {
  const firsts = new Firsts(wanted, new Set(except))
  const isShort = heads.map((head) => !addTo(firsts, head!, prefixes))
  if (!isShort.includes(true)) return firsts.all()
  for (const [bucket, isOne] of isShort.entries()) if (isOne) heads[bucket] = undefined
  return undefined
}

function putHeads(of: Known, group: readonly number[], changed: readonly HeadReply[], now: number): void {
  for (const [at, ...texts] of changed) of.heads[group[at - 1]!] = headOf(texts.map(String), of.portion, now)
  if (changed.length > 0) of.owners = new Set(of.heads.flatMap((head) => head?.owners ?? []))
}

function nameOf(queue: string, graphs: readonly string[]): string {
  return graphs.map((graph) => placeInQueue(queue, graph)).join('')
}

function without(owners: ReadonlySet<string>, own: string): readonly string[] {
  return [...owners].filter((owner) => owner !== own)
}
