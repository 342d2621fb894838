import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'

/** Version of the layout that this file and the scripts describe. A store with a newer one is refused. */
export const formatVersion = 1

/**
 * All that belongs to one execution lies in one slot of a cluster, so that one script changes it atomically: its bucket's number
 * is the hash tag of its keys. The bucket also holds the index of its executions. The number of buckets is part of the format.
 */
export const bucketCount = 64

export const buckets: readonly number[] = Array.from({ length: bucketCount }, (_, bucket) => bucket)

/**
 * Names of keys. In a bucket: `x:<id>` is an execution's hash (its head in fields of one letter, its steps in fields that begin
 * with a colon), `m:<id>` its mailbox (sorted set by number; those of the class
 * `control` before the others, by \`controlFirst\`), `r:<id>` what is remembered of ids and slots of messages (a hash: the verdict on the next one, or the number of the message that has taken the slot), `c:<id>` its checkpoints and `n:<id>` their order
 * (`checkpoint-scripts.ts`), `i` the index of all, `w` that of what is to be done: looks for work cost no more the more there is that has ended. `v` counts how often that changes which looks for work find (`ready-scripts.ts`). Elsewhere: `{o}:leases` is the sorted set of
 * owners by the end of their leases, `{o}:renewals` by their last renewals, `{o}:sessions` has their connections, `{o}:workers` what they say of themselves, `{r7}:k:<key>` a global result, `{r7}:f` those that failed by when they are forgotten;
 * `{e7}:v:<id>` an event, `{e7}:w:<id>` who waits for it, `{e7}:t:<id>` since when; `{e7}:p`, `{e7}:x` and `{e7}:l` list those of the bucket (`event-scripts.ts`). `{s}:…` are the schedules (`schedule-scripts.ts`).
 * `{k7}:s:<key>` is a shared state, `{k7}:a` those of the bucket by when they were written (`shared-states.ts`).
 * `{a}:…` are acts (`acts.ts`).
 * `{q7}:s:<queue>` is what holds for a queue, `{q7}:l:<queue>` its lock; `{q7}:n` are the names of those of the bucket that are paused or limited.
 */
export class Layout {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  get format(): string {
    return `${this.#prefix}:{o}:format`
  }

  get leases(): string {
    return `${this.#prefix}:{o}:leases`
  }

  get renewals(): string {
    return `${this.#prefix}:{o}:renewals`
  }

  get sessions(): string {
    return `${this.#prefix}:{o}:sessions`
  }

  get workers(): string {
    return `${this.#prefix}:{o}:workers`
  }

  /** The channel of hints: a letter for the kind, then the owner, execution or key. */
  get hints(): string {
    return `${this.#prefix}:hints`
  }

  index(bucket: number): string {
    return `${this.#prefix}:{${bucket}}:i`
  }

  work(bucket: number): string {
    return `${this.#prefix}:{${bucket}}:w`
  }

  /** The count of changes of what is ready. */
  changes(bucket: number): string {
    return `${this.#prefix}:{${bucket}}:v`
  }

  execution(id: string): string {
    return `${this.#prefix}:{${bucketOf(id)}}:x:${escapeText(id)}`
  }

  mailbox(id: string): string {
    return `${this.#prefix}:{${bucketOf(id)}}:m:${escapeText(id)}`
  }

  receipts(id: string): string {
    return `${this.#prefix}:{${bucketOf(id)}}:r:${escapeText(id)}`
  }

  /** Keys of an execution in the order in which the scripts take them. */
  executionKeys(id: string): ExecutionKeys {
    const bucket = `${this.#prefix}:{${bucketOf(id)}}`
    const text = escapeText(id)
    return [
      `${bucket}:x:${text}`,
      `${bucket}:i`,
      `${bucket}:m:${text}`,
      `${bucket}:r:${text}`,
      `${bucket}:w`,
      `${bucket}:c:${text}`,
      `${bucket}:n:${text}`,
      `${bucket}:v`,
    ]
  }

  /** Keys of an execution's checkpoints, and of their places. */
  checkpointKeys(id: string): [checkpoints: string, places: string] {
    const [, , , , , checkpoints, places] = this.executionKeys(id)
    return [checkpoints, places]
  }

  /** Keys of a result in the order in which the scripts take them. */
  resultKeys(key: string): [result: string, failed: string] {
    const bucket = `${this.#prefix}:{r${bucketOf(key)}}`
    return [`${bucket}:k:${escapeText(key)}`, `${bucket}:f`]
  }

  /** Keys of a queue: what holds for it, and its lock. */
  queueKeys(queue: string): [state: string, lock: string] {
    const bucket = `${this.#prefix}:{q${bucketOf(queue)}}`
    return [`${bucket}:s:${escapeText(queue)}`, `${bucket}:l:${escapeText(queue)}`]
  }

  /** Where the names are of those queues of its bucket that are paused or limited. */
  queueNames(queue: string): string {
    return `${this.#prefix}:{q${bucketOf(queue)}}:n`
  }

  /** All keys of such names. */
  get allQueueNames(): readonly string[] {
    return buckets.map((bucket) => `${this.#prefix}:{q${bucket}}:n`)
  }

  /** Keys of an event, of who waits for it, and of its bucket. */
  eventKeys(id: string): Readonly<Record<'event' | 'waits' | 'since' | 'pending' | 'expiries' | 'looks', string>> {
    const number = bucketOf(id)
    const bucket = `${this.#prefix}:{e${number}}`
    const text = escapeText(id)
    return {
      event: `${bucket}:v:${text}`,
      waits: `${bucket}:w:${text}`,
      since: `${bucket}:t:${text}`,
      pending: this.pendingEvents(number),
      expiries: this.eventExpiries(number),
      looks: this.eventLooks(number),
    }
  }

  /** Keys of a shared state, and of those of its bucket by when they were written last. */
  sharedKeys(key: string): [state: string, written: string] {
    const number = bucketOf(key)
    return [`${this.#prefix}:{k${number}}:s:${escapeText(key)}`, this.sharedByAge(number)]
  }

  sharedByAge(bucket: number): string {
    return `${this.#prefix}:{k${bucket}}:a`
  }

  pendingEvents(bucket: number): string {
    return `${this.#prefix}:{e${bucket}}:p`
  }

  eventExpiries(bucket: number): string {
    return `${this.#prefix}:{e${bucket}}:x`
  }

  eventLooks(bucket: number): string {
    return `${this.#prefix}:{e${bucket}}:l`
  }

  /** Keys of schedules, in the order in which the scripts take them. */
  get scheduleKeys(): [index: string, values: string, revisions: string, due: string, graphs: string] {
    const slot = `${this.#prefix}:{s}`
    return [`${slot}:i`, `${slot}:v`, `${slot}:r`, `${slot}:d`, `${slot}:g`]
  }

  /** Keys of acts: those of all times, and what each of them is. */
  get actKeys(): [times: string, values: string] {
    return [`${this.#prefix}:{a}:t`, `${this.#prefix}:{a}:v`]
  }

  /** The acts on one execution. */
  actsOn(execution: string): string {
    return `${this.#prefix}:{a}:x:${escapeText(execution)}`
  }

  failedResults(bucket: number): string {
    return `${this.#prefix}:{r${bucket}}:f`
  }
}

/** The keys of one execution. */
export type ExecutionKeys = [
  execution: string,
  index: string,
  mailbox: string,
  receipts: string,
  work: string,
  checkpoints: string,
  places: string,
  changes: string,
]

/** Numbers of messages of the class `control` have their places in a mailbox that much earlier than those of others: all are read first. */
export const controlFirst = 2 ** 52

/** FNV-1a over the UTF-16 units. Part of the format. */
export function bucketOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % bucketCount
}

// NUL ends a name in the index; U+0001 begins an escape.
// oxlint-disable-next-line no-control-regex
const special = /[\0\u0001]|\p{Surrogate}/gu
// oxlint-disable-next-line no-control-regex
const specialAscii = /[\0\u0001]/

/** Text as it stands in keys, fields and index members: without NUL, and without lone surrogates, which UTF-8 would lose. */
export function escapeText(text: string): string {
  if (text.isWellFormed() && !specialAscii.test(text)) return text
  return text.replaceAll(special, (unit) => `\u0001${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What `escapeText` was given. */
export function unescapeText(text: string): string {
  if (!text.includes('\u0001')) return text
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u0001([0-9a-f]{4})/g, (_, unit: string) => String.fromCharCode(Number.parseInt(unit, 16)))
}

/** An owner as it stands in hashes, members and leases; '' is nobody, so an owner without a name becomes a lone escape. */
export function ownerText(owner: string | undefined): string {
  return owner === '' ? '\u0001' : escapeText(owner ?? '')
}

/** What `ownerText` was given. */
export function ownerOf(text: string): string | undefined {
  return text === '' ? undefined : text === '\u0001' ? '' : unescapeText(text)
}

const timeView = new DataView(new ArrayBuffer(8))

/** A time (any finite number) as 16 hexadecimal digits that sort as the times do. */
export function timeKey(ms: number): string {
  timeView.setFloat64(0, ms + 0) // `+ 0` makes -0 the same as 0
  const bits = timeView.getBigUint64(0)
  const isNegative = bits >> 63n === 1n
  const ordered = isNegative ? ~bits & 0xffffffffffffffffn : bits | 0x8000000000000000n
  return ordered.toString(16).padStart(16, '0')
}

export const timeKeyLength = 16

/** What `timeKey` was given. */
export function timeOf(key: string): number {
  const ordered = BigInt(`0x${key}`)
  const bits = ordered >> 63n === 1n ? ordered & 0x7fffffffffffffffn : ~ordered & 0xffffffffffffffffn
  timeView.setBigUint64(0, bits)
  return timeView.getFloat64(0)
}

const codes = {
  pending: 'p',
  running: 'r',
  waiting: 'w',
  compensating: 'u',
  completed: 'c',
  failed: 'f',
  cancelled: 'x',
} as const
const statuses = new Map<string, ExecutionStatus>(
  Object.entries(codes).map(([status, code]) => [code, status as ExecutionStatus]),
)

export const allStatuses = Object.keys(codes) as readonly ExecutionStatus[]

/** The codes of statuses of what has not ended, each a letter. */
export const openCodes = allStatuses.flatMap((status) => (isTerminal(status) ? [] : [codes[status]])).join('')

/** An execution's status as one letter. */
export function statusCode(status: ExecutionStatus): string {
  return codes[status]
}

export function statusOf(code: string): ExecutionStatus | undefined {
  return statuses.get(code)
}

/** Queue and graph, as they stand in members. */
export function placeInQueue(queue: string, graph: string): string {
  return `${escapeText(queue)}\0${escapeText(graph)}\0`
}

/** Key and priority, as they stand in members: higher ones come first. */
export function turnInQueue(key: string, priority: number): string {
  return `${escapeText(key)}\0${timeKey(-priority)}`
}

/** The parent in the lineage of an execution: the beginnings of the members by which it is found as one of a family, or of a queue. */
export function parentIn(lineage: string): string | undefined {
  const prefix = lineage.split('\0').find((one) => one.startsWith('c'))
  return prefix === undefined ? undefined : unescapeText(prefix.slice(1))
}

/**
 * Beginnings of members. All have score 0, so that they sort by their bytes. Of the index:
 * `s<status><created><id>` and `g<graph>\0<status><created><id>` all; `e<status><ended><id>` those that have an end;
 * `c<parent>\0<created><id>` children, and `f<origin>\0<created><id>` forks; `q<queue>\0<status><created><id>` those of a queue that is not the
 * default one, `k<key>\0<created><id>` those that have a key; `x<code>\0<created><id>` those that have an error with a code.
 * Of work:
 * `u<owner>\0<queue>\0<graph>\0<created><id>` unfinished executions that have an owner;
 * of nobody, if they are not parked, `v<queue>\0<graph>\0<created><id>` those that have begun, and of those that have not
 * `p<queue>\0<graph>\0<created><id>` and `n<queue>\0<graph>\0<key>\0<priority><created><id>`;
 * `k<queue>\0<id>` those that are parked, and `d<queue>\0<graph>\0<due><id>` those of them that have a due time, or
 * `a<queue>\0<graph>\0<due><id>` if they have not begun;
 * `l<deadline><id>` those that have a deadline, and are not undone;
 * `m<owner>\0<id>` those with mail that have an owner;
 * `b<at><entry>\0<msgpack>` outgoing messages that their executions have caused, until they are confirmed;
 * `o<owner>` the owners that `u` has, and some that it has no more: so looks for work need not go through all that living ones have.
 */
export const indexPrefix = {
  owned: (owner: string, queue: string, graph: string) => `u${ownerText(owner)}\0${placeInQueue(queue, graph)}`,
  toGoOn: (queue: string, graph: string) => `v${placeInQueue(queue, graph)}`,
  toBegin: (queue: string, graph: string) => `p${placeInQueue(queue, graph)}`,
  inTurn: (queue: string, graph: string) => `n${placeInQueue(queue, graph)}`,
  later: (queue: string, graph: string) => `a${placeInQueue(queue, graph)}`,
  parked: (queue: string) => `k${escapeText(queue)}\0`,
  status: (status: ExecutionStatus) => `s${codes[status]}`,
  graphStatus: (graph: string, status: ExecutionStatus) => `g${escapeText(graph)}\0${codes[status]}`,
  ended: (status: ExecutionStatus) => `e${codes[status]}`,
  child: (parent: string) => `c${escapeText(parent)}\0`,
  fork: (origin: string) => `f${escapeText(origin)}\0`,
  owner: (owner: string) => `o${ownerText(owner)}`,
  due: (queue: string, graph: string) => `d${placeInQueue(queue, graph)}`,
  queue: (queue: string) => `q${escapeText(queue)}\0`,
  queueStatus: (queue: string, status: ExecutionStatus) => `q${escapeText(queue)}\0${codes[status]}`,
  key: (key: string) => `k${escapeText(key)}\0`,
  error: (code: string) => `x${escapeText(code)}\0`,
  deadline: 'l',
  mail: (owner: string) => `m${ownerText(owner)}\0`,
  outgoing: (at: number, entry = '') => `b${timeKey(at)}${escapeText(entry)}`,
}
