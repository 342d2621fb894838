import { createActor } from 'xstate'
import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate'
import { batchMachine, compiledBatch } from '../../../machines/index.ts'
import type { BatchEvent } from '../../../machines/index.ts'
import { actorOfRunning } from './actor-of-running.ts'
import { inspectorOfSystem } from './inspector.ts'
import type { HarmlessInspector } from './inspector.ts'
import type { Execution } from '../execution/execution.ts'

/** The record of a batch, which the batch machine's tables change. */
type BatchRecord = Parameters<typeof compiledBatch.snapshotOf>[0]

/** A snapshot of the batch machine, which has failed where the machine is in a final state that is none of success. */
type BatchSnapshot = Snapshot<unknown> & { readonly value: string }

/**
 * Shows a batch to an inspector: an actor of the batch machine, whose children are the executions of its items, by the items' keys, while
 * they run. What is remembered from an earlier life is counted, and has no actor.
 */
export class BatchActor {
  readonly #record: BatchRecord
  readonly #self: AnyActorRef
  readonly #underWay = new Map<object, BatchSnapshot>()

  constructor(record: BatchRecord, inspect: HarmlessInspector) {
    this.#record = record
    const actor = createActor(this.#logic(), { id: record.executionId, inspect: inspectorOfSystem(inspect) })
    // Its failure is reported to the handle; XState would take it for uncaught.
    actor.subscribe({ error: () => {} })
    this.#self = actor.start()
  }

  /** The record has gone through an event. */
  changed(event: BatchEvent): void {
    this.#underWay.set(event, snapshotOf(this.#record))
    this.#self.send(event)
  }

  /** An item's execution is about to start, or that of what all items share. */
  began(execution: Execution, input: unknown): void {
    const { plan, options, setup } = execution
    if (plan.steps.length === 0) return
    const { itemKey = '' } = setup
    actorOfRunning({
      execution,
      given: { plan, leafValues: [] },
      input,
      options,
      within: { parent: this.#self, id: itemKey || 'shared', systemId: `${this.#record.executionId}/${itemKey}` },
    })
  }

  #logic(): ActorLogic<BatchSnapshot, EventObject> & { readonly config: unknown } {
    return {
      config: batchMachine.config,
      getInitialSnapshot: () => snapshotOf(this.#record),
      transition: (snapshot, event) => {
        const next = this.#underWay.get(event)
        this.#underWay.delete(event)
        return next ?? snapshot
      },
      getPersistedSnapshot: (snapshot) => snapshot,
    }
  }
}

function snapshotOf(record: BatchRecord): BatchSnapshot {
  const { status, ...snapshot } = compiledBatch.snapshotOf(record)
  return status === 'done' && snapshot.value !== 'completed'
    ? { ...snapshot, status: 'error', output: undefined, error: record.error }
    : ({ ...snapshot, status } as BatchSnapshot)
}
