import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { Connection } from './connection.ts'
import {
  bucketCount,
  bucketOf,
  buckets,
  escapeText,
  indexPrefix,
  ownerText,
  placeInQueue,
  timeKey,
  timeKeyLength,
  timeOf,
  unescapeText,
} from './layout.ts'
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
/** Of those of which little is known any more, or that were read long ago, so many are read by one look. */
const mostAgain = 4

/** The first members of a list, behind its prefix; there may be more where it is cut. */
interface Start {
  readonly places: string[]
  readonly isCut: boolean
}

interface StartOfKey extends Start {
  readonly key: string
}

interface GraphHead {
  /** When the first one is due that has begun, and that has not; '' for none. */
  readonly due: string
  readonly later: string
  readonly toGoOn: Start
  /** By key; undefined where there are too many. */
  readonly inTurn: readonly StartOfKey[] | undefined
}

interface BucketHead {
  changes: string
  readonly readAt: number
  readonly owners: string[]
  readonly graphs: readonly GraphHead[]
}

/** Whether a request is one for a few of the first ones. */
export function suits({ limit, except = [], andOwn, ranges, graphs = [] }: AcquireRequest): boolean {
  const isPlain = andOwn !== true && !graphs.some((graph) => ranges?.has(graph))
  return isPlain && limit <= mostWanted && except.length <= mostExcepted
}

/** What a look would find if nothing had changed since it was read. */
export interface Expected {
  /** For one script: the first ones, by key each, as many as are wanted and to spare. */
  readonly candidates: readonly ReadyCandidate[]
  readonly keys: readonly string[]
  readonly args: readonly Argument[]
}

/** Of a bucket: its place in the list of those that a script was given, and what `changedHeads` says of it. */
export type HeadReply = readonly [number, ...Buffer[]]

/** What is known of a queue and some graphs, by bucket. */
interface Known {
  readonly heads: (BucketHead | undefined)[]
  /** Owners that may have something in a bucket, and maybe more that had; another set where they may be others. */
  owners: ReadonlySet<string>
  /** For each graph. */
  readonly prefixes: readonly Prefixes[]
  portion: number
}

/** What members of work begin with. */
interface Prefixes {
  readonly toGoOn: string
  readonly inTurn: string
}

/**
 * The first of what is ready, as a process has read it last: a look asks each bucket for no more than whether it is still so. Whoever wants a few can't pay for reading
 * all of them each time.
 */
export class ReadyHeads {
  readonly #connection: Connection
  readonly #owners: Owners
  readonly #works: readonly string[]
  readonly #counts: readonly string[]
  /** How many more than are wanted are tried: as many as others have taken first of late. */
  spare = 0
  /** Queues that were paused, or had limits, when they were read last. */
  readonly restricted = new Set<string>()
  /** What was said of others. */
  readonly said = new Map<string, string>()
  readonly #known = new Map<string, Known>()

  constructor(connection: Connection, owners: Owners) {
    this.#connection = connection
    this.#owners = owners
    const { layout } = connection
    this.#works = buckets.map((bucket) => layout.work(bucket))
    this.#counts = buckets.map((bucket) => layout.changes(bucket))
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
    if (!saysAll(known, time)) return undefined
    const firsts = new Firsts(wanted, new Set(except))
    const isShort = known.heads.map((head) => !addTo(firsts, head!, known.prefixes))
    if (!isShort.includes(true)) return firsts.all()
    // All that are short are read again at once.
    for (const [bucket, isOne] of isShort.entries()) if (isOne) known.heads[bucket] = undefined
    return this.find(request)
  }

  /** What is known of the first ones; undefined where that is not enough. Only where `suits`, and all buckets are in one script's reach. */
  expected(request: AcquireRequest): Expected | undefined {
    const { owner, limit, except, graphs = [], queue = defaultQueue } = request
    const wanted = limit + this.spare
    const { heads, owners, portion, prefixes } = this.#knownOf(queue, graphs, wanted)
    const since = performance.now() - trustMs
    const soon = since + trustMs / 2
    const firsts = new Firsts(wanted, new Set(except))
    const counts: string[] = []
    const again: number[] = []
    let due = ''
    for (const [bucket, head] of heads.entries()) {
      if (head === undefined || head.readAt <= since || !isOfFewKeys(head)) return undefined
      if (!addTo(firsts, head, prefixes)) return undefined
      counts.push(head.changes)
      if (again.length < mostAgain && (head.readAt <= soon || hasFew(head, 2 * wanted))) again.push(bucket + 1)
      for (const graph of head.graphs)
        for (const time of [graph.due, graph.later]) if (time !== '' && (due === '' || time < due)) due = time
    }
    return {
      candidates: firsts.all(),
      keys: [...this.#works, ...this.#counts],
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
    if (!saysAll(known, time)) return undefined
    const firsts = new Firsts(wanted, new Set(except))
    return known.heads.every((head) => addTo(firsts, head!, known.prefixes)) ? firsts.all() : undefined
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
        keys: [this.#works, this.#counts].flatMap((of) => group.map((bucket) => of[bucket]!)),
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

function putHeads(of: Known, group: readonly number[], changed: readonly HeadReply[], now: number): void {
  for (const [at, ...texts] of changed) of.heads[group[at - 1]!] = headOf(texts.map(String), of.portion, now)
  if (changed.length > 0) of.owners = new Set(of.heads.flatMap((head) => head?.owners ?? []))
}

/** Whether the heads say all that a look needs: nothing is due by now, and there are not too many keys. */
function saysAll({ heads }: Known, time: number): boolean {
  // Due times are whole milliseconds: this is behind all of now.
  const below = timeKey(time + 1)
  const isLater = (due: string): boolean => due === '' || due >= below
  return heads.every(
    (head) =>
      head !== undefined && isOfFewKeys(head) && head.graphs.every(({ due, later }) => isLater(due) && isLater(later)),
  )
}

/** Whether a list that may go on has no more than so many. */
function hasFew({ graphs }: BucketHead, many: number): boolean {
  const isShort = ({ isCut, places }: Start): boolean => isCut && places.length <= many
  return graphs.some(({ toGoOn, inTurn = [] }) => isShort(toGoOn) || inTurn.some(isShort))
}

function isOfFewKeys({ graphs }: BucketHead): boolean {
  return graphs.every(({ inTurn }) => inTurn !== undefined)
}

/** False where the bucket may have more that comes first. */
function addTo(firsts: Firsts, { graphs }: BucketHead, prefixes: readonly Prefixes[]): boolean {
  return graphs.every(({ toGoOn, inTurn }, at) => {
    const prefix = prefixes[at]!
    if (!firsts.add(toGoOn, prefix.toGoOn, undefined)) return false
    return inTurn!.every((start) => firsts.add(start, prefix.inTurn, start.key))
  })
}

/** One of the first ones, by its place. */
interface Placed {
  readonly place: string
  /** What its member begins with, but for its key. */
  readonly prefix: string
}

/** The first of several lists together, so many of each kind: of what is to go on, and of each key. */
class Firsts {
  readonly #limit: number
  readonly #excepted: ReadonlySet<string>
  readonly #lists = new Map<string | undefined, Placed[]>()

  constructor(limit: number, excepted: ReadonlySet<string>) {
    this.#limit = limit
    this.#excepted = excepted
  }

  /** False where the list may have more that comes first. `key`: undefined for what is to go on. */
  add({ places, isCut }: Start, prefix: string, key: string | undefined): boolean {
    if (isCut && places.length - this.#excepted.size < this.#limit) return false
    if (places.length === 0) return true
    const list = this.#lists.get(key) ?? []
    this.#lists.set(key, list)
    for (const place of places) {
      if (list.length === this.#limit && place >= list.at(-1)!.place) break
      if (this.#excepted.size > 0 && this.#excepted.has(unescapeText(idIn(place, key)))) continue
      const at = list.findLastIndex((one) => one.place < place) + 1
      list.splice(at, 0, { place, prefix })
      if (list.length > this.#limit) list.pop()
    }
    return true
  }

  all(): readonly ReadyCandidate[] {
    return [...this.#lists].flatMap(([key, list]) =>
      list.map(({ place, prefix }) => {
        const member = prefix + (key === undefined ? '' : `${key}\0`) + place
        return { id: unescapeText(idIn(place, key)), owner: '', member, ...turnOf(key), age: place }
      }),
    )
  }
}

function turnOf(key: string | undefined): Pick<ReadyCandidate, 'key' | 'priority' | 'isNew'> {
  return { key: key ?? '', priority: 0, isNew: key !== undefined }
}

/** The escaped id in a place: a time stands before it, and a priority before that where it has its turn. */
function idIn(place: string, key: string | undefined): string {
  return place.slice(key === undefined ? timeKeyLength : 2 * timeKeyLength)
}

function nameOf(queue: string, graphs: readonly string[]): string {
  return graphs.map((graph) => placeInQueue(queue, graph)).join('')
}

function without(owners: ReadonlySet<string>, own: string): readonly string[] {
  return [...owners].filter((owner) => owner !== own)
}

function headOf([changes, owners, ...texts]: readonly string[], portion: number, readAt: number): BucketHead {
  const startOf = (places: string[]): Start => ({ places, isCut: places.length >= portion })
  const graphs: GraphHead[] = []
  for (let at = 0; at < texts.length;) {
    const [due, later, toGoOn, count] = texts.slice(at, at + 4) as [string, string, string, string]
    const keys = Math.max(0, Number(count))
    const lists = texts.slice(at + 4).map((text) => text.split('\0'))
    const inTurn = lists.slice(0, keys).map(([key, ...places]) => ({ key: key!, ...startOf(places) }))
    graphs.push({ due, later, toGoOn: startOf(listOf(toGoOn)), inTurn: Number(count) < 0 ? undefined : inTurn })
    at += 4 + keys
  }
  return { changes: changes!, readAt, owners: listOf(owners!), graphs }
}

function listOf(text: string): string[] {
  return text === '' ? [] : text.split('\0')
}

function takeOut({ toGoOn, inTurn = [] }: GraphHead, id: string): void {
  takeOutOf(toGoOn.places, undefined, id)
  for (const { key, places } of inTurn) takeOutOf(places, key, id)
}

function takeOutOf(places: string[], key: string | undefined, id: string): void {
  const at = places.findIndex((place) => idIn(place, key) === id)
  if (at >= 0) places.splice(at, 1)
}
