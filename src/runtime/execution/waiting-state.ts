import { compiledExecution, compiledStep } from '../../../machines/index.ts'
import type { ExecutionStatus } from './execution-view.ts'
import type { Watcher } from './execution-setup.ts'
import type { StepState } from './step-state.ts'
import type { Changing } from './shown-end.ts'
import { changeTo } from './shown-end.ts'
import type { BatchPart } from './part.ts'
import type { FullClock } from '../environment/clock.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** An execution of which steps may wait. */
interface WaitingHost extends Changing {
  readonly clock: FullClock
  readonly hasEnded: boolean
  /** Whether steps are being started right now. */
  readonly isLaunching: boolean
  /** What may end it: its timeout counts work, and the backoffs between attempts. */
  readonly triggers: { rest(): void; goOn(): void } | undefined
  readonly setup: { readonly onWaits?: ((waits: boolean, rests: boolean) => void) | undefined }
  /** What counts the steps of all parts of a batch, where it is one of them. */
  readonly part: Pick<BatchPart, 'waits'> | undefined
}

const { stateCode, isFinal } = compiledStep
const { running, waiting } = compiledExecution.stateCode satisfies Record<ExecutionStatus, number>

/**
 * Whether an execution waits: all steps that have begun and not ended do. Only executions that have steps which wait have this, as one of those who watch
 * them: others pay nothing for it.
 */
export class WaitingState implements Watcher {
  readonly #host: WaitingHost
  /** States of the steps, by position. */
  readonly #states: Uint8Array
  #open = 0
  #waiting = 0
  #retrying = 0
  #isLooking = false

  constructor(host: WaitingHost, steps: number) {
    this.#host = host
    this.#states = new Uint8Array(steps).fill(stateCode.pending)
  }

  stepChanged({ planStep: { position }, state: now, restsInLine }: StepState): void {
    const from = this.#states[position]!
    // What is queued in the store waits as what waits for something from outside does: it holds nothing here.
    const state = now === stateCode.queued && restsInLine ? stateCode.waiting : now
    this.#states[position] = state
    const open = Number(isOpen(state)) - Number(isOpen(from))
    const waits = Number(isWait(state)) - Number(isWait(from))
    const retrying = Number(state === stateCode.retrying) - Number(from === stateCode.retrying)
    this.#open += open
    this.#waiting += waits
    this.#retrying += retrying
    this.#host.part?.waits?.add({ open, waiting: waits, retrying })
    if (!this.#all) this.#goOn()
    else this.#lookSoon()
  }

  executionChanged(): void {}

  /** Whether all that has begun waits. */
  get #all(): boolean {
    return this.#waiting > 0 && this.#open === this.#waiting
  }

  #goOn(): void {
    const host = this.#host
    if (host.state !== waiting) return
    changeTo(host, { type: 'GO_ON', at: host.clock.now() })
    host.triggers?.goOn()
    host.setup.onWaits?.(false, false)
  }

  /** What has just ended may let others begin in the same turn. */
  #lookSoon(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    inMicrotask(() => {
      this.#isLooking = false
      const host = this.#host
      if (!this.#all || host.hasEnded || host.isLaunching || host.state !== running) return
      changeTo(host, { type: 'WAIT', at: host.clock.now() })
      const rests = this.#retrying === 0
      if (rests) host.triggers?.rest()
      host.setup.onWaits?.(true, rests)
    })
  }
}

/** Until a time, or for something from outside; one that waits for its next attempt, too. */
function isWait(state: number): boolean {
  return state === stateCode.waiting || state === stateCode.retrying
}

function isOpen(state: number): boolean {
  return state !== stateCode.pending && !isFinal[state]!
}
