/** What is declared of a limit. Of two declarations the higher version holds; of the same version that of the docket that was made last. */
export interface LimitDeclaration {
  /** How many at the same time, or in each period. */
  readonly limit: number
  /** Of a rate, the period in milliseconds; undefined where it is a limit of what runs at the same time. */
  readonly perMs: number | undefined
  /** Of a rate, how many may begin at once. */
  readonly burst: number
  readonly version: number
  /** When the docket that declares it was made, by the store's time. */
  readonly at: number
}

/** What holds a slot, or waits for one. */
export interface LimitPlace {
  /** The execution's id. */
  readonly execution: string
  /** Key of the batch's item; empty outside batches. */
  readonly item: string
  /** The process. */
  readonly owner: string
}

/** What waits, and since when. */
export interface LimitWaiter extends LimitPlace {
  readonly since: number
}

/** What all processes know of one limit. */
export interface LimitState {
  readonly declared: LimitDeclaration
  readonly holders: readonly LimitPlace[]
  /** Those that have waited longest of each process. */
  readonly waiters: readonly LimitWaiter[]
  /** Of a rate, when the next one could begin if none began at once: its theoretical arrival time. */
  readonly nextAt: number
}

/** What a process wants of a limit. */
export interface LimitTurn {
  readonly owner: string
  readonly declared: LimitDeclaration
  /**
   * Whether it has this, or it is in `waiting`. Whatever else it has in the store was written for what has left since, or by a call that arrived after it had been
   * given up: nobody here knows of it.
   */
  readonly isHere: (attempt: Pick<LimitPlace, 'execution' | 'item'>) => boolean
  /** What it gives back, or waits for no more. */
  readonly leaving: readonly LimitPlace[]
  /** What waits in it, the longest first; `since` is undefined for what has just come. */
  readonly waiting: readonly { readonly execution: string; readonly item: string; readonly since: number | undefined }[]
  /** Owners that are dead for good. */
  readonly dead: ReadonlySet<string>
  /** The store's time. */
  readonly now: number
}

/** What became of that. */
export interface LimitVerdict {
  /** Undefined where nothing is left to be known. */
  readonly state: LimitState | undefined
  /** For each that waits here, whether it may begin, and since when it waits. */
  readonly outcomes: readonly { readonly isGranted: boolean; readonly since: number }[]
  /** Of a rate, when the first that has to wait here may begin. */
  readonly readyAt: number | undefined
  /** Whether others may begin because of what has left. */
  readonly frees: boolean
  /** The declaration that holds, where it is another one's. */
  readonly overruledBy: LimitDeclaration | undefined
}

/**
 * Lets those begin that the limit lets begin, those that have waited longest first, whichever process they are in. What a process has that is dead counts no more. What
 * others wait for is left to them.
 */
export function judgeLimit(known: LimitState | undefined, turn: LimitTurn): LimitVerdict {
  const { owner, now, dead, leaving } = turn
  const declared = standing(known?.declared, turn.declared)
  const stays = (place: LimitPlace): boolean => !dead.has(place.owner) && !leaving.some((one) => isSame(one, place))
  const holders = (known?.holders ?? []).filter(
    (place) => stays(place) && (place.owner !== owner || turn.isHere(place)),
  )
  const others = (known?.waiters ?? []).filter((waiter) => stays(waiter) && waiter.owner !== owner)
  const own = turn.waiting.map(({ execution, item, since = now }) => ({ execution, item, owner, since }))
  const held = holders.map((holder) => {
    // It was granted, and the answer lost; or another process had the execution before.
    const isOwn = own.some((one) => one.execution === holder.execution && one.item === holder.item)
    return isOwn ? { ...holder, owner } : holder
  })
  const granted = new Set(own.filter((one) => held.some((holder) => isSame(holder, one))))
  const line = [...others, ...own.filter((one) => !granted.has(one))].toSorted(inLine)
  const room =
    declared.perMs === undefined ? new Slots(declared.limit - held.length) : new Tokens(declared, known?.nextAt, now)
  const left: LimitWaiter[] = []
  let readyAt: number | undefined
  for (const waiter of line) {
    const isOwn = waiter.owner === owner
    if (isOwn && room.has) {
      room.take()
      granted.add(waiter)
      if (declared.perMs === undefined) held.push({ execution: waiter.execution, item: waiter.item, owner })
    } else {
      if (isOwn) readyAt ??= room.readyAt
      room.leave()
      left.push(waiter)
    }
  }
  const nextAt = room.nextAt
  const isEmpty = held.length === 0 && left.length === 0 && nextAt <= now
  return {
    state: isEmpty ? undefined : { declared, holders: held, waiters: left, nextAt },
    outcomes: own.map((one) => ({ isGranted: granted.has(one), since: one.since })),
    readyAt,
    frees: others.length > 0 && [...(known?.holders ?? []), ...(known?.waiters ?? [])].some((place) => !stays(place)),
    overruledBy: isEqual(declared, turn.declared) ? undefined : declared,
  }
}

function standing(known: LimitDeclaration | undefined, own: LimitDeclaration): LimitDeclaration {
  if (known === undefined || (known.perMs === undefined) !== (own.perMs === undefined)) return own
  if (isEqual(known, own)) return known.version >= own.version ? known : own
  return known.version > own.version || (known.version === own.version && known.at > own.at) ? known : own
}

function isEqual(one: LimitDeclaration, other: LimitDeclaration): boolean {
  return one.limit === other.limit && one.perMs === other.perMs && one.burst === other.burst
}

function isSame(one: LimitPlace, other: LimitPlace): boolean {
  return one.execution === other.execution && one.item === other.item && one.owner === other.owner
}

function inLine(one: LimitWaiter, other: LimitWaiter): number {
  if (one.since !== other.since) return one.since - other.since
  if (one.execution !== other.execution) return one.execution < other.execution ? -1 : 1
  return one.item < other.item ? -1 : 1
}

/** What is left of a number of slots. */
class Slots {
  readonly nextAt = 0
  readonly readyAt = undefined
  #left: number

  constructor(left: number) {
    this.#left = left
  }

  get has(): boolean {
    return this.#left > 0
  }

  take(): void {
    this.#left--
  }

  /** One is left to somebody else. */
  leave(): void {
    this.#left--
  }
}

/** What is left of a rate: GCRA, the generic cell rate algorithm. */
class Tokens {
  readonly #intervalMs: number
  readonly #toleranceMs: number
  readonly #now: number
  /** When the next one could begin if none began at once. */
  nextAt: number
  /** The same, with those that are left to others. */
  #virtualAt: number

  constructor({ limit, perMs, burst }: LimitDeclaration, nextAt: number | undefined, now: number) {
    this.#intervalMs = perMs! / limit
    this.#toleranceMs = (burst - 1) * this.#intervalMs
    this.#now = now
    this.nextAt = nextAt ?? 0
    this.#virtualAt = this.nextAt
  }

  get has(): boolean {
    return this.#virtualAt - this.#toleranceMs <= this.#now
  }

  /** When there is one that is left to nobody else. */
  get readyAt(): number {
    return this.#virtualAt - this.#toleranceMs
  }

  take(): void {
    this.nextAt = Math.max(this.#now, this.nextAt) + this.#intervalMs
    this.#virtualAt = Math.max(this.#now, this.#virtualAt) + this.#intervalMs
  }

  leave(): void {
    this.#virtualAt = Math.max(this.#now, this.#virtualAt) + this.#intervalMs
  }
}
