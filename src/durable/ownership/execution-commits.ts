import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { ExecutionCommit, HeadChange, Parking, StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { StoreError } from '../../core/errors.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import { pauseAfter } from '../../runtime/store-access/store-patience.ts'
import { childDeleted, endedMessage } from '../records/child-digest.ts'
import { goesOn } from './goes-on.ts'
import { allEffects, withEffects } from './mail-effects.ts'
import type { CommitMail, MailEffects } from './mail-effects.ts'
import { OpenRecords } from './open-records.ts'
import { lostError } from './ownership-right.ts'
import type { OwnershipRight } from './ownership-right.ts'

/** What is written of an execution in one commit. */
export interface Written extends MailEffects, Pick<ExecutionCommit, 'droppedCheckpoints'> {
  readonly steps: readonly StepRecord[]
  readonly head?: HeadChange | undefined
  /** @default now */
  readonly at?: number | undefined
  /** Until when it is tried, in steady time. @default for ever: until then this process is the owner */
  readonly until?: number | undefined
  /** The step that it is about, for the error where the right to write is lost. */
  readonly step?: string | undefined
  /** Whether it is the end of one that is deleted on request. @default false */
  readonly isDeletion?: boolean | undefined
  /** Whether steps are as they were before their attempts, since it goes on elsewhere. @default false */
  readonly areGivenUp?: boolean | undefined
}

/** What became of a try to park an execution. */
type ParkAnswer = 'parked' | 'unread' | 'lost' | 'not now'

/** The commits of one execution, under the epoch in which this process acquired it. */
export class ExecutionCommits {
  readonly #connection: StoreConnection
  readonly #right: OwnershipRight
  readonly #since: number
  /** Called when a commit was refused: another process owns the execution, or it was deleted. */
  readonly #onLost: () => void
  readonly #open: OpenRecords
  /** None where no step waits for what comes by mail. */
  readonly #mails: CommitMail[] = []
  /** Undefined while nobody watches what is written. */
  #watchers: Set<(written: ExecutionCommit) => void> | undefined
  /** Goes out with the next commit. */
  #pendingHead: HeadChange | undefined
  /** The messages that take effect with the end. */
  readonly #consumedByEnd: number[] = []
  #isDeletedWithEnd = false
  #isDeleted = false
  #hasProgress = false
  /** Deaths before this life count no more. */
  #isForgiven = false
  #isOff = false
  #underWay = 0
  #parking: Promise<boolean> | undefined
  #restsSince: number | undefined
  #restedMs = 0

  /** `open`: the records of steps that have not ended, as an earlier life left them. */
  constructor(connection: StoreConnection, right: OwnershipRight, open: readonly StepRecord[], onLost: () => void) {
    this.#connection = connection
    this.#right = right
    this.#open = new OpenRecords(open)
    this.#since = connection.clock.elapsed()
    this.#onLost = onLost
  }

  /** When the execution was created. */
  get createdAt(): number {
    return this.#right.createdAt
  }

  /** What says under which right it is written. */
  get right(): OwnershipRight {
    return this.#right
  }

  /** Where it stands in its queue. */
  get place(): OwnershipRight['place'] {
    return this.#right.place
  }

  /** Whether nothing is written any more. */
  get isOff(): boolean {
    return this.#isOff
  }

  /** Whether all that was to be written is. */
  get isIdle(): boolean {
    return this.#underWay === 0
  }

  /** Resolves, with whether the execution is parked, once the parking that is under way is decided; undefined where none is. */
  get parking(): Promise<boolean> | undefined {
    return this.#parking
  }

  /** Whether it has been deleted in the place of its end. */
  get isDeleted(): boolean {
    return this.#isDeleted
  }

  /** Whether a step has been completed here. */
  get hasProgress(): boolean {
    return this.#hasProgress
  }

  noteProgress(): void {
    this.#hasProgress = true
  }

  /** Nothing but waits is open: that is no time that a timeout counts. */
  rest(rests: boolean): void {
    const now = this.#connection.clock.elapsed()
    if (this.#restsSince !== undefined) this.#restedMs += now - this.#restsSince
    this.#restsSince = rests ? now : undefined
  }

  /** How long processes have owned the execution, but for the time in which it only waited. */
  get ownedMs(): number {
    const until = this.#restsSince ?? this.#connection.clock.elapsed()
    return this.#right.ownedMs + Math.max(0, until - this.#since - this.#restedMs)
  }

  /** What commits consume is known there from now on. */
  consumesBy(mail: CommitMail): void {
    this.#mails.push(mail)
  }

  /**
   * Numbers of the messages that a step has taken, and that are in no commit yet: to be consumed by the one that has what they have led to. Those that are in none go
   * with the step's end.
   */
  takenBy(step: string, item: string): readonly number[] {
    return this.#mails.flatMap((mail) => mail.takenBy?.(step, item) ?? [])
  }

  /** Whether an update is still to be answered: what would have been answered by a step that has ended was, by that. */
  mayAnswer(update: UpdateRef): boolean {
    return this.#mails.some((mail) => mail.mayAnswer?.(update) === true)
  }

  /** Calls back after each commit, until the returned function is called. */
  onWritten(watcher: (written: ExecutionCommit) => void): () => void {
    const watchers = (this.#watchers ??= new Set())
    watchers.add(watcher)
    return () => {
      if (watchers.delete(watcher) && watchers.size === 0) this.#watchers = undefined
    }
  }

  /** Writes nothing any more. */
  turnOff(): void {
    this.#isOff = true
  }

  /** The right to write is lost. */
  lose(): void {
    if (this.#isOff) return
    this.#isOff = true
    this.#onLost()
  }

  /** These steps are about to begin: where the execution ends before, nothing was tried. */
  expect(records: readonly StepRecord[]): void {
    for (const record of records) this.#open.add({ ...record, attempt: 0, startedAt: undefined })
  }

  /** This step is under way, or has ended, as far as the store knows or will know. `isStopped`: by the end of its execution, or of its item, with which it goes out. */
  follow(record: StepRecord, isStopped = false): void {
    if (isStopped) this.#open.stop(record)
    else this.#open.add(record)
  }

  /** Whether the store knows, or will know, of this step that it has begun, and not of its end. */
  isOpen(step: Pick<StepRecord, 'step' | 'item'>): boolean {
    return this.#open.has(step)
  }

  /** Records of the attempts that run here, as they are where the execution is given up: its next owner begins them under the same numbers. */
  givenUp(): readonly StepRecord[] {
    return this.#open.givenUp(this.#connection.clock.now())
  }

  /** Writes what changes of the execution itself, however long the store stays away: until then this process is its owner. */
  change(head: HeadChange, isDeletion?: boolean): Promise<void> {
    return this.write({ steps: [], head, isDeletion })
  }

  /** Changes that nothing waits for: with the next commit. */
  amend(head: HeadChange): void {
    this.#pendingHead = { ...this.#pendingHead, ...head }
  }

  /** Writes how long the execution has been owned, where a timeout counts that. */
  writeOwnedMs(): void {
    if (this.#right.timeoutMs === undefined) return
    this.change({ ownedMs: this.ownedMs }).catch(this.#connection.failures.of('noting for how long it is owned'))
  }

  /** The message ends the execution: it is consumed in the commit that does. */
  consumeWithEnd(seq: number): void {
    this.#consumedByEnd.push(seq)
  }

  /** Where it ends by that, it is deleted: no end of it is written. Another end is written, since callers get it as an answer. */
  deleteWithEnd(): void {
    this.#isDeletedWithEnd = true
  }

  /** The message is of no effect, and is read no more. */
  consume(seq: number): void {
    this.write({ steps: [], consumed: [seq] }).catch(this.#connection.failures.of('consuming a message'))
  }

  /** Rejects where the right to write is lost, or the store stays away for too long. */
  write(written: Written): Promise<void> {
    // What is parked is nobody's: a commit that overtakes the answer would be taken for one of a process that has lost it.
    if (this.#parking !== undefined) return this.#parking.then(() => this.write(written))
    return this.#write(written)
  }

  #write({
    steps,
    head,
    consumed,
    closedSlots,
    openedSlots,
    checkpoints,
    droppedCheckpoints,
    at = this.#connection.clock.now(),
    until = Infinity,
    step,
    isDeletion = false,
    areGivenUp = false,
  }: Written): Promise<void> {
    const { session, commits } = this.#connection
    session.noticeBlocked()
    if (this.#isOff) return Promise.reject(lostError(this.#right, step))
    const { id, owner, epoch, timeoutMs, recoveries, parent } = this.#right
    let change = this.#pendingHead === undefined ? head : { ...this.#pendingHead, ...head }
    this.#pendingHead = undefined
    // What a process did that lived long enough to do it counts against the suspicion that this execution kills them.
    if (recoveries > 0 && !this.#hasProgress && !this.#isForgiven && goesOn({ steps, checkpoints, consumed })) {
      change = { ...change, recoveries: 0 }
      this.#isForgiven = true
    }
    if (timeoutMs !== undefined && change?.ownedMs === undefined) change = { ...change, ownedMs: this.ownedMs }
    const isEnd = change?.status !== undefined && isTerminal(change.status)
    if (this.#isDeleted) return Promise.resolve()
    if (isEnd && isDeletion && this.#isDeletedWithEnd) return this.#delete(until)
    const isUndone = change?.status === 'compensating'
    const known = this.#open.withStopped(steps, isEnd || isUndone)
    const records = isEnd ? this.#open.closed(at, known) : known
    const read = isEnd && this.#consumedByEnd.length > 0 ? [...(consumed ?? []), ...this.#consumedByEnd] : consumed
    // What the losers of its races did may still be undone: its outcome stands.
    const isKnown = isEnd || (isUndone && change?.output !== undefined)
    const outgoing = isKnown && parent !== undefined ? [endedMessage(parent, this.#right, at)] : undefined
    if (consumed !== undefined) for (const mail of this.#mails) mail.consuming?.(consumed)
    const ofRecords = this.#mails.map((mail) => mail.effectsOf(records, areGivenUp))
    // What the last step has answered is not answered by the end.
    const ending = this.#mails.map((mail) => (isEnd ? mail.atEnd?.() : isUndone ? mail.atUndoing?.() : undefined))
    const effects = allEffects([...ofRecords, ...ending])
    const isPlain = effects === undefined && closedSlots === undefined && openedSlots === undefined
    // Of one shape, so that it is copied quickly when it gets its number.
    const commit = {
      id,
      owner,
      epoch,
      at,
      steps: records,
      head: change,
      consumed: read,
      closedSlots,
      openedSlots,
      outgoing,
      checkpoints,
      droppedCheckpoints,
    }
    const complete = isPlain ? commit : { ...commit, ...withEffects(commit, effects) }
    const awaited = this.#connection.awaitedAnswers.elsewhere(id, complete.checkpoints)
    const whole = awaited === undefined ? complete : { ...complete, awaited }
    this.#underWay++
    const arrived = (): void => void this.#underWay--
    const adding = commits.add(whole, until)
    adding.then(arrived, arrived)
    const written = adding.then((isKept) => {
      if (isKept) {
        this.#open.written(records)
        if (this.#watchers !== undefined) for (const watcher of this.#watchers) watcher(whole)
        for (const mail of this.#mails) mail.written?.(records)
        return
      }
      this.lose()
      throw lostError(this.#right, step)
    })
    if (effects !== undefined)
      written.catch(() => {
        for (const mail of this.#mails) mail.undo(effects)
      })
    return written
  }

  /**
   * Gives the execution up until something happens to it: by a commit of its own, which holds only if no other message has come. Where its answer is
   * lost, the record says what became of it.
   */
  park(park: Parking, steps: readonly StepRecord[]): Promise<ParkAnswer> {
    const parking = this.#park(park, steps).then((answer) => {
      // Nothing is written of what is nobody's, which is no loss.
      if (answer === 'parked') this.#isOff = true
      return answer
    })
    const known = (isParked: boolean): boolean => {
      this.#parking = undefined
      return isParked
    }
    this.#parking = parking.then(
      (answer) => known(answer === 'parked'),
      () => known(false),
    )
    return parking
  }

  async #park(park: Parking, steps: readonly StepRecord[]): Promise<ParkAnswer> {
    const { store, writes, clock } = this.#connection
    const { id, owner, epoch } = this.#right
    const pending = this.#pendingHead
    const head = { ...pending, status: 'waiting', ownedMs: this.ownedMs } as const
    this.#pendingHead = undefined
    const commit = { id, owner, epoch, at: clock.now(), steps, head, park }
    const notParked = (answer: 'unread' | 'not now'): typeof answer => {
      // Nothing of it was written: that is still to go out with the next one.
      if (pending !== undefined) this.#pendingHead = { ...pending, ...this.#pendingHead }
      return answer
    }
    let isRepeated = false
    for (let tries = 0; ; tries++) {
      try {
        const [answer] = await writes.commit([commit])
        if (answer === 'unread') return notParked('unread')
        if (answer === true) return 'parked'
        if (answer === 'locked') return notParked('not now')
        if (!isRepeated) return 'lost'
        // This process has its lease: only what it has given up itself can be somebody else's, who has woken it since.
        if (this.#connection.session.owner === owner) return 'parked'
        const [record] = allAnswers(store, 'get', [id], await store.get([id]))
        return record?.epoch === epoch && record.parkedAt !== undefined ? 'parked' : 'lost'
      } catch (error) {
        if (!(error instanceof StoreError) || !error.isTransient) {
          notParked('not now')
          throw error
        }
        if (this.#isOff) return notParked('not now')
        isRepeated = true
        await sleep(clock, pauseAfter(tries), { unref: true })
      }
    }
  }

  async #delete(until: number): Promise<void> {
    const connection = this.#connection
    const { id, owner, epoch, parent } = this.#right
    this.#isDeleted = true
    // What is on its way already must not meet an execution that is started anew under this id, and in this epoch.
    const at = connection.clock.now()
    const outgoing = parent === undefined ? undefined : [endedMessage(parent, this.#right, at, childDeleted)]
    const isGone = async (): Promise<boolean> => {
      const { store, writes } = connection
      const [isDeleted] = await writes.delete([{ id, owner, epoch }])
      // An answer may have been lost.
      return isDeleted === true || allAnswers(store, 'get', [id], await store.get([id]))[0] === undefined
    }
    try {
      const isOwn = connection.commits.add({ id, owner, epoch, at, steps: [], outgoing }, until)
      if ((await isOwn) && (await connection.patiently(isGone, until))) return
    } catch (refusal) {
      this.#isDeleted = false // It is there still, and its deletion is tried again.
      throw refusal
    }
    this.#isDeleted = false
    this.lose()
    throw lostError(this.#right, undefined)
  }
}
