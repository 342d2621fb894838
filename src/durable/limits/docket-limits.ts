import { requireReturnedName } from '../../core/check-name.ts'
import { firstNameOf } from '../../core/graph/former-names.ts'
import type { ConcurrencySpec, RateSpec, StepSpec } from '../../core/graph/graph-index.ts'
import { isShared } from '../../core/language/policy.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import type { Slots } from '../../runtime/environment/current-step.ts'
import type { AwaitedLimit, LimitedAttempt, LimitTicket, SharedLimits } from '../../runtime/steps/shared-limits.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { LimitLine } from './limit-line.ts'
import type { Waiting } from './limit-line.ts'
import type { LimitDeclaration } from './limit-state.ts'

/** So many attempts that wait hold nothing of the worker: were it any number, a worker would take in all that is ready, only to let it wait. */
const mostResting = 1_000

/** Graphs that are made at run time may declare any number of limits: what was reported longest ago may be reported again. */
const mostReported = 1_000

interface Randomness {
  readonly random: () => number
  readonly randomId: () => string
}

/** Limits of steps, as one docket shares them with all others of its store. */
export class DocketLimits implements SharedLimits {
  readonly #connection: StoreConnection
  readonly #randomness: Randomness
  /** Notes what overrules a declaration of this docket. */
  readonly #overruled: (about: string, message: string) => void
  readonly #lines = new Map<string, LimitLine>()
  readonly #reported = new Set<string>()
  /** When this docket was made, by time that passes. */
  readonly #madeAt: number
  /** The same by the store's time, which is known once it has answered: when the declarations of this docket count as made. */
  #declaredAt: number | undefined
  #isListening = false
  /** Attempts that wait, and hold nothing of the worker. */
  readonly #resting = new Set<LimitTicket>()

  constructor(
    connection: StoreConnection,
    randomness: Randomness,
    overruled: (about: string, message: string) => void,
  ) {
    this.#connection = connection
    this.#madeAt = connection.clock.elapsed()
    this.#randomness = randomness
    this.#overruled = overruled
  }

  enter(attempt: LimitedAttempt): LimitTicket {
    this.#listen()
    const wanted = limitsOf(attempt)
    return new Ticket(attempt, wanted, { lineOf: (limit) => this.#lineOf(limit), resting: this.#resting })
  }

  /** Gives back what calls have got that were given up. */
  look(): void {
    for (const line of this.#lines.values()) line.lookIfUncertain()
  }

  #lineOf(limit: WantedLimit): LimitLine {
    const { id, spec } = limit
    const line = this.#lines.get(id) ?? this.#newLine(limit)
    line.declare(spec)
    return line
  }

  #newLine({ id, name, about }: WantedLimit): LimitLine {
    const line: LimitLine = new LimitLine({
      connection: this.#connection,
      ...this.#randomness,
      id,
      name,
      declaredAt: () => (this.#declaredAt ??= this.#storeTimeOf(this.#madeAt)),
      onOverruled: (own, by) => this.#report(about, own, by),
      onEmpty: () => {
        if (this.#lines.get(id) === line && line.isEmpty) this.#lines.delete(id)
      },
    })
    this.#lines.set(id, line)
    return line
  }

  #storeTimeOf(elapsed: number): number {
    const { clock } = this.#connection
    return clock.now() - (clock.elapsed() - elapsed)
  }

  /** One listener for as long as the docket lives: from its first shared limit on. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#connection.listen((hint) => {
      const line = hint.type === 'shared' ? this.#lines.get(hint.key) : undefined
      if (line?.hasWaiting === true) line.look()
    })
  }

  /** Once for each declaration that holds in the place of one here, for how many keys so ever. */
  #report(about: string, own: LimitDeclaration, by: LimitDeclaration): void {
    const text = `${about}: ${textOf(by)} holds, which another process has declared ${by.version > own.version ? `in version ${by.version}` : 'since'}, and not ${textOf(own)}`
    this.#overruled(about, text)
    // Keys may be declared by several others.
    if (this.#reported.has(text)) return
    this.#reported.add(text)
    if (this.#reported.size > mostReported) this.#reported.delete(this.#reported.keys().next().value!)
    process.emitWarning(text, 'DocketLimitWarning')
  }
}

function textOf({ limit, perMs, burst }: LimitDeclaration): string {
  return perMs === undefined ? `a limit of ${limit}` : `a rate of ${limit} in ${perMs} ms (burst ${burst})`
}

/** A limit that a step wants something of. */
interface WantedLimit extends AwaitedLimit {
  readonly spec: ConcurrencySpec | RateSpec
  /** For people. */
  readonly name: string
  /** The same for all keys: what is declared. */
  readonly about: string
}

/** The limits of an attempt: what runs at the same time first, since who has a slot may begin. @throws what the user's key functions throw */
function limitsOf({ spec, inputs, graph, queue }: LimitedAttempt): readonly WantedLimit[] {
  const wanted: WantedLimit[] = []
  for (const kind of ['concurrency', 'rate'] as const) {
    const limit = spec[kind]
    if (limit === undefined || !isShared(limit)) continue
    wanted.push(wantedOf(kind, limit, spec, inputs, { graph, queue }))
  }
  return wanted
}

function wantedOf(
  kind: AwaitedLimit['kind'],
  limit: ConcurrencySpec | RateSpec,
  { limited }: StepSpec,
  inputs: unknown,
  places: { readonly graph: string; readonly queue: string },
): WantedLimit {
  const { name } = limited
  const key =
    limit.key === undefined ? undefined : requireReturnedName(`${kind}.key of step "${name}"`, limit.key(inputs))
  const scope = limit.scope as AwaitedLimit['scope']
  const where = places[scope]
  const id = digest(canonicalize(['limit', kind, scope, where, firstNameOf(limited), key]))
  const of = key === undefined ? '' : ` for ${JSON.stringify(key)}`
  const about = `the ${kind} of step "${name}" in ${scope} "${where}"`
  return { kind, key, scope, id, spec: limit, name: `${about}${of}`, about }
}

/** What a ticket needs of the docket's limits. */
interface TicketLimits {
  lineOf(limit: WantedLimit): LimitLine
  readonly resting: Set<LimitTicket>
}

/** One attempt's way through its limits. */
class Ticket implements LimitTicket {
  readonly #attempt: LimitedAttempt
  readonly #wanted: readonly WantedLimit[]
  readonly #limits: TicketLimits
  /** What it has entered, in the order of the limits. */
  readonly #places: { readonly line: LimitLine; readonly waiting: Waiting }[] = []
  /** Of the limit of what runs at the same time, if it has one. */
  #slots: { readonly line: LimitLine; isHeld: boolean } | undefined
  #since: number | undefined
  #hasLeft = false

  constructor(attempt: LimitedAttempt, wanted: readonly WantedLimit[], limits: TicketLimits) {
    this.#attempt = attempt
    this.#wanted = wanted
    this.#limits = limits
    this.#since = attempt.since
    this.#next()
  }

  get heldSlots(): Slots | undefined {
    return this.#slots?.isHeld === true ? this.#slots.line : undefined
  }

  get awaitedSlots(): Slots | undefined {
    return this.#slots?.isHeld === false ? this.#slots.line : undefined
  }

  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#slots = undefined
    this.#limits.resting.delete(this)
    for (const { line, waiting } of this.#places) line.leave(waiting)
  }

  #next(): void {
    const limit = this.#wanted[this.#places.length]
    const attempt = this.#attempt
    if (limit === undefined) {
      this.#limits.resting.delete(this)
      return attempt.granted()
    }
    const { kind, key, scope, id } = limit
    const line = this.#limits.lineOf(limit)
    const slots = kind === 'concurrency' ? { line, isHeld: false } : undefined
    this.#slots ??= slots
    const waiting: Waiting = {
      execution: attempt.execution,
      item: attempt.item,
      since: this.#since,
      granted: () => {
        if (this.#hasLeft) return
        if (slots !== undefined) slots.isHeld = true
        this.#since ??= waiting.since
        this.#next()
      },
      waits: (since) => {
        this.#since ??= since
        if (this.#hasLeft) return
        const { resting } = this.#limits
        if (resting.size < mostResting) resting.add(this)
        attempt.waits(this.#since, [{ kind, key, scope, id }], resting.has(this))
      },
      failed: (error) => {
        if (this.#hasLeft) return
        this.leave()
        attempt.failed(error)
      },
    }
    this.#places.push({ line, waiting })
    line.enter(waiting)
  }
}
