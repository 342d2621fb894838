import type { CheckpointRecord } from './checkpoint-record.ts'
import type { NewMessage } from './message.ts'
import { receivedId } from './signal-message.ts'
import type { SignalPlace } from './signal-message.ts'
import type { StoredValue } from './stored-value.ts'

/** An update that is to be answered. */
export interface UpdateRef {
  /** Names the update within its execution: where it goes, and the id that its sender gave it. */
  readonly name: string
  /** Of its value: under the same id another value is a conflict. */
  readonly digest: string
  /** The number of the message that brought it: it is consumed when it is answered. */
  readonly message: number
}

/** What a value is that was answered with, as it is stored. */
export interface StoredAnswer {
  readonly digest: string
  readonly value?: unknown
}

/** What becomes of an update. */
export type AnswerKind =
  /** It was handled: with a value, or an error. */
  | 'answer'
  /** It was refused before. */
  | 'rejected'
  /** What would have handled it has ended. */
  | 'ended'

export const updateKind = 'update'

/** What an update is called within its execution. */
export function updateName(place: SignalPlace, id: string): string {
  return receivedId(place, id)
}

/**
 * The message that brings an execution an update. Sent again, it is the same one; another value under the same id finds its slot taken.
 */
export function updateMessage(
  execution: string,
  { name, digest }: Pick<UpdateRef, 'name' | 'digest'>,
  { payload, at }: { readonly payload: StoredValue; readonly at: number },
): NewMessage {
  // Its place stands first, as in every message with a value.
  const id = `${name}\n${digest}`
  // No signal has a slot that begins so.
  return { execution, class: 'data', kind: updateKind, slot: `:u${name}`, id, payload, at }
}

/** The update that a message brings. */
export function updateOf({ id = '', seq }: { readonly id?: string | undefined; readonly seq: number }): UpdateRef {
  const end = id.lastIndexOf('\n')
  return { name: id.slice(0, end), digest: id.slice(end + 1), message: seq }
}

/** Where answers are kept: beside no step, so that they outlive all of them. */
const answersOf = { step: '', item: '' } as const

/** The record of an answer. */
export function answerRecord(
  name: string,
  kind: AnswerKind,
  at: number,
  { value, error }: { readonly value?: StoredValue | undefined; readonly error?: StoredValue | undefined } = {},
): CheckpointRecord {
  const status = kind === 'answer' && error === undefined ? 'completed' : 'failed'
  return { ...answersOf, generation: 0, name, kind, order: 0, status, value, error, at, dueAt: undefined }
}

const answerKinds: ReadonlySet<string> = new Set<AnswerKind>(['answer', 'rejected', 'ended'])

/** Whether a checkpoint is what became of an update. */
export function isAnswer({ step, kind }: Pick<CheckpointRecord, 'step' | 'kind'>): boolean {
  return step === answersOf.step && answerKinds.has(kind)
}

/** Which place a stored answer is encoded for. */
export function answerPlace(name: string): Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'name'> {
  return { ...answersOf, generation: 0, name }
}
