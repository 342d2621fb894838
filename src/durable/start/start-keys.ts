import { isRecord } from '../../core/is-record.ts'
import { durationMs } from '../../core/duration.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { SharedState } from '../../core/contracts/shared-state.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { StartKeys } from '../context/start-options.ts'

/** What became of a call to start an execution. */
export type StartVerdict =
  /** It was started by this call. */
  | 'started'
  /** The id was there already: the handle is of that execution. */
  | 'attached'
  /** Another one had its key, and has not ended: nothing was started, and the handle is of that one. */
  | 'skipped'
  /** Another one was started under the same key of `dedupe` a while ago: nothing was started, and the handle is of that one. */
  | 'deduplicated'

/** An execution that has a key, or is about to be started under it. */
interface Claim {
  readonly execution: string
  /** The process that claimed the key, to start it. */
  readonly owner: string
  /** When, by the store's time. */
  readonly at: number
  /** Until when no other one is started; undefined where that is until it has ended. */
  readonly until: number | undefined
  /** Whether it is known to have been started. */
  readonly isStarted: boolean
  /** Which call has claimed it, of those that start the same execution. */
  readonly call?: string
}

/** What is stored of a key. */
interface KeyState {
  readonly claims: readonly Claim[]
}

/** What a call has claimed, to be kept or given back. */
export interface ClaimedKeys {
  /** Undefined where the execution is to be started; else that of the execution that has the key. */
  readonly other: { readonly id: string; readonly outcome: 'skipped' | 'deduplicated' } | undefined
  /** It was started. */
  started(): Promise<void>
  /** It was not. */
  abandon(): Promise<void>
}

/** A process that has claimed a key and dies before the execution is there has it for no longer than its lease; one that lives, for no longer than this. */
const longestStartMs = 60_000
const firstPauseMs = 5
const longestPauseMs = 200

const nothingClaimed: ClaimedKeys = { other: undefined, started: async () => {}, abandon: async () => {} }

/**
 * Claims the keys of a start, in an operation of the store that only one process can win. One that is claimed under the same id already is its own.
 * @throws StoreError, DocketClosedError
 */
export async function claimKeys(
  context: DocketContext,
  { id, graph, kind }: { readonly id: string; readonly graph: string; readonly kind: 'execution' | 'batch' },
  { key, onBusy, dedupe }: StartKeys,
): Promise<ClaimedKeys> {
  if (dedupe === undefined && (onBusy === undefined || key === undefined)) return nothingClaimed
  // Whoever starts a batch can do nothing with an execution that is none.
  const of = kind === 'batch' ? ' of batches' : ''
  const claims: KeyClaim[] = []
  const abandon = async (): Promise<void> => {
    for (const claim of claims) await claim.release()
  }
  if (dedupe !== undefined) {
    const claim = new KeyClaim(context, { kind: `dedupe${of}`, graph, key: dedupe.key }, id)
    const other = await claim.claim('skip', durationMs(dedupe.for)!)
    if (other !== undefined) return { ...nothingClaimed, other: { id: other, outcome: 'deduplicated' } }
    claims.push(claim)
  }
  if (key !== undefined && onBusy !== undefined) {
    const claim = new KeyClaim(context, { kind: `start${of}`, graph, key }, id)
    const other = await claim.claim(onBusy, undefined)
    if (other !== undefined) {
      await abandon()
      return { ...nothingClaimed, other: { id: other, outcome: 'skipped' } }
    }
    claims.push(claim)
  }
  return {
    other: undefined,
    async started() {
      for (const claim of claims) await claim.confirm()
    },
    abandon,
  }
}

/** One key, as one call claims it. */
class KeyClaim {
  readonly #context: DocketContext
  readonly #id: string
  readonly #name: string
  readonly #storeKey: string
  #ms: number | undefined
  /** What it has claimed; undefined where its execution has the key already. */
  #own: Claim | undefined
  /** What another call has claimed for the same execution, which may start it yet. */
  #before: Claim | undefined

  constructor(
    context: DocketContext,
    { kind, graph, key }: { readonly kind: string; readonly graph: string; readonly key: string },
    id: string,
  ) {
    this.#context = context
    this.#id = id
    this.#name = `${kind} of graph ${JSON.stringify(graph)} under ${JSON.stringify(key)}`
    this.#storeKey = digest(canonicalize([kind, graph, key]))
  }

  /** Gives the execution that has the key, if another one has. */
  async claim(onBusy: NonNullable<StartKeys['onBusy']>, ms: number | undefined): Promise<string | undefined> {
    const { connection } = this.#context
    this.#ms = ms
    for (let pauseMs = firstPauseMs; ;) {
      const { found, now } = await this.#read()
      const { valid, pending, isThere } = await this.#judge(claimsOf(found), now)
      const others = valid.filter(({ execution }) => execution !== this.#id)
      const starting = pending.filter(({ execution }) => execution !== this.#id)
      if (onBusy === 'skip' && others.length > 0) return others[0]!.execution
      // The execution is there: this call finds it, or is refused, and it keeps its key either way.
      if (isThere && (onBusy !== 'cancelRunning' || others.length === 0)) return undefined
      if (starting.length > 0 && onBusy !== 'wait') {
        // It is there in a moment, or its process has died.
        await sleep(connection.clock, pauseMs)
        this.#context.requireOpen()
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
        continue
      }
      const own = {
        execution: this.#id,
        owner: connection.session.owner,
        at: now,
        until: ms === undefined ? undefined : now + ms,
        isStarted: false,
        call: this.#context.newId(),
      }
      const kept = onBusy === 'cancelRunning' ? [] : [...others, ...starting]
      if (!(await this.#write(found, [...kept, own]))) continue
      this.#own = own
      this.#before = [...valid, ...pending].find(({ execution }) => execution === this.#id)
      if (onBusy === 'cancelRunning') await this.#cancel(others)
      return undefined
    }
  }

  /** Its claim holds although it may be deleted. */
  async confirm(): Promise<void> {
    // What holds until its end is judged by its record.
    if (this.#ms === undefined || this.#own === undefined) return
    await this.#change((claims) =>
      claims.map((claim) => (claim.execution === this.#id ? { ...claim, isStarted: true } : claim)),
    )
  }

  async release(): Promise<void> {
    const { call } = this.#own ?? {}
    if (call === undefined) return
    await this.#change((claims) =>
      claims.flatMap((claim) => {
        if (claim.call !== call) return [claim]
        const { isStarted } = claim
        return this.#before === undefined ? [] : [{ ...this.#before, isStarted: isStarted || this.#before.isStarted }]
      }),
    )
  }

  /** Those that hold: `pending` of executions that are not there yet. `isThere`: the execution itself has the key, and is there. */
  async #judge(
    claims: readonly Claim[],
    now: number,
  ): Promise<{ readonly valid: readonly Claim[]; readonly pending: readonly Claim[]; readonly isThere: boolean }> {
    const inTime = claims.filter(({ until }) => until === undefined || until > now)
    if (inTime.length === 0) return { valid: [], pending: [], isThere: false }
    const { connection } = this.#context
    const { store } = connection
    const ids = inTime.map(({ execution }) => execution)
    const records = await connection.patiently(async () => allAnswers(store, 'get', ids, await store.get(ids)))
    const missing = inTime.filter((claim, index) => records[index] === undefined && !claim.isStarted)
    const owners = [...new Set(missing.map(({ owner }) => owner))]
    const states =
      owners.length === 0
        ? []
        : await connection.patiently(async () =>
            allAnswers(store, 'readOwners', owners, await store.readOwners(owners)),
          )
    const alive = new Set(owners.filter((_, index) => states[index]?.isAlive === true))
    const valid = inTime.filter((claim, index) => {
      const record = records[index]
      if (claim.until !== undefined) return claim.isStarted || record !== undefined
      return record !== undefined && !isTerminal(record.status)
    })
    return {
      valid,
      isThere: valid.some(({ execution }) => execution === this.#id) && records[ids.indexOf(this.#id)] !== undefined,
      pending: missing.filter(({ owner, at }) => alive.has(owner) && now - at < longestStartMs),
    }
  }

  async #cancel(claims: readonly Claim[]): Promise<void> {
    for (const { execution } of claims) {
      const reason = `execution "${this.#id}" takes its place`
      await this.#context.cancel(execution, reason).catch((error: unknown) => {
        this.#context.connection.failures.report(`cancelling execution "${execution}"`, error)
      })
    }
  }

  async #change(change: (claims: readonly Claim[]) => readonly Claim[]): Promise<void> {
    for (;;) {
      const { found } = await this.#read()
      if (found === undefined || (await this.#write(found, change(claimsOf(found))))) return
    }
  }

  #read(): Promise<{ readonly found: SharedState | undefined; readonly now: number }> {
    const { connection } = this.#context
    const { store } = connection
    const keys = [this.#storeKey]
    return connection.patiently(async () => {
      const { now, states } = await store.readShared(keys)
      return { found: allAnswers(store, 'readShared', keys, states)[0], now }
    })
  }

  async #write(found: SharedState | undefined, claims: readonly Claim[]): Promise<boolean> {
    const { connection } = this.#context
    const { store } = connection
    const state: KeyState = { claims }
    const write = {
      key: this.#storeKey,
      name: this.#name,
      was: found?.token,
      token: this.#context.newId(),
      state: claims.length === 0 ? undefined : JSON.stringify(state),
      frees: false,
    }
    return connection.patiently(
      async () => allAnswers(store, 'writeShared', [write], await store.writeShared([write]))[0] === true,
    )
  }
}

/** The claims that are stored; none where something else is. */
export function claimsOf(found: SharedState | undefined): readonly Claim[] {
  if (found === undefined) return []
  try {
    const parsed: unknown = JSON.parse(found.state)
    const claims: unknown = isRecord(parsed) ? parsed['claims'] : undefined
    return Array.isArray(claims) ? claims.filter(isClaim) : []
  } catch {
    return []
  }
}

/** It may be of a newer version, or somebody has changed it. */
function isClaim(value: unknown): value is Claim {
  if (!isRecord(value)) return false
  const { execution, owner, at, until } = value
  const isTime = until === undefined || typeof until === 'number'
  return typeof execution === 'string' && typeof owner === 'string' && typeof at === 'number' && isTime
}
