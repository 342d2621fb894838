import type { Duration } from '../../core/duration.ts'
import type { ExecutionStatus, StepStatus } from '../../core/contracts/statuses.ts'
import type { StepWait } from '../records/step-info.ts'

/** Every reason for which a step, or an execution, is where it is. `docs/why.md` documents each; a test keeps the two equal. */
export const whyCodes = [
  'step.completed',
  'step.ranAgain',
  'step.cached',
  'step.inputFailed',
  'step.conditionFalse',
  'step.failed',
  'step.cancelled',
  'step.lostRace',
  'step.notNeeded',
  'step.undoing',
  'step.undone',
  'step.undoFailed',
  'step.running',
  'step.retrying',
  'step.waitsForInputs',
  'step.waitsForSlot',
  'step.waitsForLimit',
  'step.waitsForResult',
  'step.waitsForTime',
  'step.waitsForSignal',
  'step.waitsForMessages',
  'step.waitsForEvent',
  'step.waitsForChild',
  'step.waitsForRemote',
  'step.waitsForVerbs',
  'step.notRun',
  'step.unknown',
  'execution.completed',
  'execution.failed',
  'execution.cancelled',
  'execution.detached',
  'execution.endUnwritten',
  'execution.undoing',
  'execution.running',
  'execution.waits',
  'execution.waitsForChild',
  'execution.ownerSilent',
  'execution.overdue',
  'execution.startsLater',
  'execution.queuePaused',
  'execution.queueLimit',
  'execution.queueRate',
  'execution.behindOthers',
  'execution.noWorker',
  'execution.graphUnknown',
  'execution.incompatible',
  'execution.ready',
] as const

/** What kind of reason it is: stable, for programs. */
export type WhyCode = (typeof whyCodes)[number]

/** One of the errors that something failed with. */
export interface WhyCause {
  /** The error's name; of what is no error, what `typeof` says of it. */
  readonly name: string
  /** What it says. */
  readonly message: string
  /** Its code, where it has one. */
  readonly code?: string | undefined
}

/** Why a step, or an execution, is where it is. What does not apply is absent. */
export interface Why {
  /** In a sentence or two, for people. */
  readonly text: string
  /** What kind of reason it is: stable, for programs. */
  readonly code: WhyCode
  /** The execution's id. */
  readonly execution: string
  /** The step's name; absent where the execution itself is meant. */
  readonly step?: string | undefined
  /** Key of the batch's item. */
  readonly item?: string | undefined
  /** Of the step, or of the execution. */
  readonly status: StepStatus | ExecutionStatus | 'unknown'
  /** Since when it is so. */
  readonly since?: Date | undefined
  /** Until when at the latest. */
  readonly until?: Date | undefined
  /** The attempt that runs, or ran last. */
  readonly attempt?: number | undefined
  /** How often it is tried at the most. */
  readonly maxAttempts?: number | undefined
  /** How long an attempt may take, in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** The process that runs it, or ran it last. */
  readonly owner?: string | undefined
  /** Processes that died while they ran it, the first one first. */
  readonly deadOwners?: readonly string[] | undefined
  /** What it waits for. */
  readonly waitsFor?: StepWait | undefined
  /** What it failed with, or was ended by: the outermost first, what all began with last. */
  readonly causes?: readonly WhyCause[] | undefined
  /** What it comes from: the steps in which the waiting or the failing begins, an execution's open steps, a child. Twenty at the most. */
  readonly because?: readonly Why[] | undefined
  /** Within `because`: the steps on the way, from the one in question to this one. */
  readonly path?: readonly string[] | undefined
  /** The execution that a remembered value was taken from. */
  readonly from?: string | undefined
  /** The queue that it is in. */
  readonly queue?: string | undefined
  /** Of a limit: how many it lets run, or begin. */
  readonly limit?: number | undefined
  /** Of a limit: executions that have its slots, twenty at the most. */
  readonly heldBy?: readonly string[] | undefined
  /** How many of its queue and key begin before it; up to a hundred are counted. */
  readonly ahead?: number | undefined
  /** How many of its queue could begin now; up to a thousand are counted. */
  readonly ready?: number | undefined
  /** Why the records don't fit the graph. */
  readonly reasons?: readonly string[] | undefined
}

/** A reason as it is found, without what stands in every one. */
export type FoundReason = Omit<Why, 'execution' | 'status'>

/** Which step is meant, and how it is looked at. */
export interface WhyOptions {
  /** Key of the item, in a batch. @default what all items share */
  readonly item?: string | undefined
  /**
   * Whether the process that runs the execution is to say what its steps do at this moment, where that is another one; as in
   * `handle.details`. @default false
   */
  readonly live?: boolean | Duration | undefined
}

/** A reason without the fields that don't apply. */
export function present(why: Why): Why {
  return Object.fromEntries(Object.entries(why).filter(([, value]) => value !== undefined)) as unknown as Why
}
