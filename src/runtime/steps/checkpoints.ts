import type { UpdateRef } from '../../core/contracts/update-message.ts'

/** A durable step, as far as what is on record of it goes. */
export interface CheckpointedStep {
  readonly step: string
  readonly idempotencyKey: string
  readonly attempt: number
  readonly isRepeated: boolean
}

/** What a verb of a durable function came to, or that it is open. */
export interface Checkpoint {
  /** Unique within the step, item and generation. */
  readonly name: string
  /** Which verb it is. */
  readonly kind: string
  readonly status: 'open' | 'completed' | 'failed' | 'timedOut'
  /** In which order outcomes came, from 1. */
  readonly order: number
  readonly value: unknown
  readonly error: unknown
  /** When it came, in milliseconds since the epoch. */
  readonly at: number
  /** Until when it waits, while it is open. */
  readonly dueAt: number | undefined
}

/** What is on record of a durable function that began before. */
export interface Recorded {
  /** How often it was begun anew. */
  readonly generation: number
  readonly checkpoints: readonly Checkpoint[]
}

/** What is on record of a function itself. */
export interface Begun {
  /** That of the step: where what it did was undone, it is another one now, and what is on record is of no use. */
  readonly key: string
  /** What the function was given; undefined where that can't be stored. */
  readonly inputs: unknown
}

/** What an update is answered with. */
export interface UpdateAnswer {
  readonly update: UpdateRef
  readonly outcome: { readonly value: unknown } | { readonly error: unknown }
}

/** What is to be recorded at once. */
export interface CheckpointChange {
  readonly generation: number
  /** One of a name takes the place of the one before. */
  readonly checkpoints: readonly Checkpoint[]
  /** Names of those that hold no more, or all of them: taken away before the others are written. */
  readonly dropped?: readonly string[] | 'all' | undefined
  /** Numbers of the messages that have led to this: they are read no more. @default none */
  readonly consumed?: readonly number[] | undefined
  /** What answers an update. */
  readonly answer?: UpdateAnswer | undefined
  /** The value of a type that is shown from then on. */
  readonly published?: { readonly type: string; readonly value: unknown } | undefined
}

/** Where it is kept what the verbs of durable functions came to. */
export interface Checkpoints {
  /** Undefined where nothing can be on record. */
  read(step: CheckpointedStep): Recorded | Promise<Recorded | undefined> | undefined
  /** Undefined where nothing has to be waited for. Rejects with a SerializationError where a value can't be kept: then nothing of it is. */
  write(step: CheckpointedStep, change: CheckpointChange): Promise<void> | undefined
  /** Whether it is known at this moment that this process may write them. @default it may */
  areHeld?(): boolean
  /** Whether a function may be called: where this process has lost the right to that, its execution ends here. @default it may */
  mayBegin?(): boolean | Promise<boolean>
  /** The value of a type that was published last, as of what is on record; undefined where there is none. */
  shown?(type: string): unknown
}

/** Keeps them for the further attempts of one step in this process. */
export class CheckpointsInMemory implements Checkpoints {
  readonly #byName = new Map<string, Checkpoint>()
  #generation = 0

  read(): Recorded | undefined {
    if (this.#byName.size === 0 && this.#generation === 0) return undefined
    return { generation: this.#generation, checkpoints: [...this.#byName.values()] }
  }

  write(_step: CheckpointedStep, { generation, checkpoints, dropped }: CheckpointChange): undefined {
    this.#generation = generation
    if (dropped === 'all') this.#byName.clear()
    else for (const name of dropped ?? []) this.#byName.delete(name)
    for (const checkpoint of checkpoints) this.#byName.set(checkpoint.name, checkpoint)
  }
}

/** Keeps nothing: no further attempt could find it. */
export const noCheckpoints: Checkpoints = { read: () => undefined, write: () => undefined }
