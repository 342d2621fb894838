import { createActor } from 'xstate'
import type { ActorRefFrom } from 'xstate'
import type { AnyDataType } from '../../core/data-type.ts'
import { ExecutionCancelledError, LeaseLostError } from '../../core/errors.ts'
import type { HeadChange } from '../../core/store.ts'
import { ExecutionActor } from '../execution-actor.ts'
import type { LogicScope } from '../execution-actor.ts'
import { executionLogic } from '../execution-logic.ts'
import type { ExecutionSetup, ResolvedOptions } from '../execution-setup.ts'
import type { Execution } from '../execution.ts'
import type { GivenInputs } from '../leaf-values.ts'
import type { StepRun } from '../step-run.ts'
import type { FullClock } from '../clock.ts'
import { ExecutionRecorder } from './execution-recorder.ts'
import type { Holding } from './execution-recorder.ts'
import { unref } from './owner-session.ts'
import type { RestoredExecution } from './restored-execution.ts'
import type { StoreConnection } from './store-connection.ts'

/** The actor of an execution in this process. */
export type LiveActor = ActorRefFrom<ReturnType<typeof executionLogic>>

/** How an execution left this process: with its outcome, or for another process to go on with. */
export type Departure =
  | { readonly type: 'output'; readonly output: unknown }
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'moved'; readonly error: LeaseLostError }

/** What an execution that lives here is made of. */
export interface LiveParts {
  readonly connection: StoreConnection
  readonly given: GivenInputs
  /** The inputs as the caller gave them. */
  readonly input: unknown
  readonly asked: string
  readonly options: ResolvedOptions & { readonly id: string }
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf'>
  readonly holding: Holding
  /** When it began in an earlier life. */
  readonly startedAt: number | undefined
  readonly restored: RestoredExecution | undefined
  /** Told once nothing of it is left here. */
  readonly onGone: (live: LiveExecution) => void
}

/** An execution that this process owns: its actor, its records, and how it leaves. */
export class LiveExecution {
  readonly id: string
  readonly asked: string
  readonly graph: string
  readonly target: string
  readonly owner: string
  /** How it ended, as soon as that is written. Never rejects. */
  readonly departure: Promise<Departure>
  /** Resolves when nothing of it runs here any more. */
  readonly gone: Promise<void>
  readonly #parts: LiveParts
  readonly #recorder: ExecutionRecorder
  #execution!: Execution
  #actor: LiveActor | undefined
  #depart!: (departure: Departure) => void
  #isGone!: () => void
  #moved: LeaseLostError | undefined
  #hasDeparted = false

  constructor(parts: LiveParts) {
    const { plan } = parts.given
    this.#parts = parts
    this.id = parts.options.id
    this.asked = parts.asked
    this.graph = plan.index.graph.name
    this.target = plan.target.name
    this.owner = parts.holding.owner
    this.departure = new Promise((resolve) => (this.#depart = resolve))
    this.gone = new Promise((resolve) => (this.#isGone = resolve))
    this.#recorder = new ExecutionRecorder(parts.connection, parts.holding, () => this.lose())
  }

  /** The execution's actor, from the start on. */
  get actor(): LiveActor {
    return this.#actor!
  }

  get execution(): Execution {
    return this.#execution
  }

  /** Whether it has ended, and only waits for functions that don't listen to their signal. */
  get hasEnded(): boolean {
    return this.#execution.hasEnded
  }

  /** Brings it to life as an actor of its own. */
  start(): void {
    const { plan } = this.#parts.given
    const target: AnyDataType = plan.target
    const logic = executionLogic(plan.index, target, (scope) => this.embody(scope).snapshot())
    const actor = createActor(logic, { id: this.id, input: this.#parts.input })
    this.#actor = actor
    // Nobody is obliged to listen; the outcome goes to the handles.
    actor.subscribe({ error: () => {} })
    actor.start()
  }

  /** Makes the execution inside an actor. */
  embody(scope: LogicScope): ExecutionActor {
    const { given, input, options, setup, restored } = this.#parts
    const actor = new ExecutionActor({
      scope,
      input,
      given,
      options,
      persisted: restored?.persisted,
      setup: { ...setup, asked: this.asked, ...this.hooks },
      begin: (execution) => this.begin(execution),
    })
    this.#execution = actor.execution
    return actor
  }

  get hooks(): Pick<ExecutionSetup, 'recorder' | 'onCompleted' | 'onFailed' | 'onSettled'> {
    const hashes = this.#parts.restored?.inputHashes
    return {
      recorder: this.#recorder,
      onCompleted: (output) => this.#leave({ type: 'output', output }),
      onFailed: (error) => void this.#fail(error),
      onSettled: hashes === undefined || hashes.size === 0 ? undefined : (run) => this.#compare(run, hashes),
    }
  }

  begin(execution: Execution): void {
    const { given, startedAt } = this.#parts
    if (startedAt === undefined) this.#note({ status: 'running', startedAt: execution.clock.now() })
    execution.start(given.leafValues, true)
  }

  /** Ends it, by request. */
  cancel(error: ExecutionCancelledError): void {
    this.#execution.cancel(error)
  }

  /** The message was dealt with. */
  consume(seq: number): void {
    this.#recorder.change({}, seq).catch(() => {})
  }

  /** Another process owns it: nothing is written any more, and what runs is told to stop. */
  lose(): void {
    this.#recorder.turnOff()
    this.#move(
      'is not this process’s any more: it was paused or cut off from its store for longer than its lease',
      'lost',
    )
  }

  /** Lets nothing new begin; whether what runs is done. */
  pause(): void {
    this.#execution.isPaused = true
  }

  get isQuiet(): boolean {
    return (
      this.#hasDeparted || (this.#recorder.isIdle && this.#execution.runs.every((run) => run?.current === undefined))
    )
  }

  /** Gives it up, for any process to go on with. */
  async handOver(): Promise<void> {
    if (this.#hasDeparted || this.#execution.isSettled) return
    const released = this.#recorder.change({ isReleased: true, ownedMs: this.#recorder.ownedMs })
    this.#move('was handed over to another process', 'handed over')
    await released
  }

  #move(what: string, how: 'lost' | 'handed over'): void {
    if (this.#hasDeparted) {
      this.#isGone()
      return
    }
    this.#moved ??= new LeaseLostError(`execution "${this.id}" ${what}`, this.#execution.place)
    if (how === 'lost') this.#execution.emitter?.durable(this.#execution.clock.now(), { type: 'lease.lost' })
    this.#execution.isBeingKept = false
    this.#execution.cancel(this.#moved)
  }

  async #fail(failure: unknown): Promise<void> {
    if (this.#moved !== undefined) {
      this.#recorder.turnOff()
      this.#leave({ type: 'moved', error: this.#moved })
      return
    }
    // The caller is told even if the store stays away; this process goes on trying to write it.
    const { clock, session } = this.#parts.connection
    const written = this.#writeFailure(failure)
    await Promise.race([written, pauseOf(clock, session.leaseMs)])
    this.#hasDeparted = true
    this.#depart({ type: 'error', error: failure })
    await written
    if (this.#recorder.hasStragglers) this.#recorder.onLastStraggler = () => void this.#release()
    else this.#finish()
  }

  /** Never rejects: where it can't be written, the lease is lost, or the store refuses even this. */
  async #writeFailure(error: unknown): Promise<void> {
    const { clock, encoding } = this.#parts.connection
    const status = error instanceof ExecutionCancelledError ? 'cancelled' : 'failed'
    try {
      const stored = await encoding.encodeError(error, ['execution', this.id, 'error'])
      const head: HeadChange = { status, error: stored, endedAt: clock.now(), ownedMs: this.#recorder.ownedMs }
      await this.#recorder.change(this.#recorder.hasStragglers ? head : { ...head, isReleased: true })
    } catch {
      // Who goes on with it finds it as it was.
    }
  }

  async #release(): Promise<void> {
    await this.#recorder.change({ isReleased: true }).catch(() => {})
    this.#finish()
  }

  #leave(departure: Departure): void {
    this.#hasDeparted = true
    this.#depart(departure)
    this.#finish()
  }

  #finish(): void {
    this.#parts.onGone(this)
    this.#isGone()
  }

  #note(head: HeadChange): void {
    // Refusals are noticed by whoever waits for something.
    this.#recorder.change(head).catch(() => {})
  }

  /** A step that ran again after a restart: did what others have made of its old value still fit? */
  #compare(run: StepRun, hashes: ReadonlyMap<string, string>): void {
    const { plan, runs, values, emitter, clock } = this.#execution
    if (emitter === undefined) return
    for (const position of plan.dependants[run.planStep.outputSlot]!) {
      const dependant = runs[position]
      const hash = dependant === undefined ? undefined : hashes.get(dependant.step)
      if (dependant?.hasOutput !== true || hash === undefined) continue
      if (dependant.planStep.portSlots.some((slot) => values[slot] === undefined)) continue
      if (this.#recorder.inputHashOf(dependant) !== hash)
        emitter.durable(clock.now(), { type: 'step.inputs-changed', step: dependant.step, item: undefined })
    }
  }
}

function pauseOf(clock: FullClock, ms: number): Promise<void> {
  return new Promise((resolve) => unref(clock.setTimeout(resolve, ms)))
}
