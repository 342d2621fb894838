import type { ListedMessage } from '../../core/contracts/message.ts'
import { placeOfMessage } from '../../core/contracts/signal-message.ts'
import { updateKind, updateOf } from '../../core/contracts/update-message.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { presentNames } from '../../core/graph/former-names.ts'
import { requireIndex } from '../../core/graph/plan.ts'

/** A message that lies in the mailbox of an execution: sent, and not taken yet. */
export interface MessageInfo {
  /** Its number: those that came later have higher ones. */
  readonly seq: number
  /** What it is: `signal`, `update`, `event`, `reschedule`, `cancel`, `retry`, `delete`, or what a child's end causes, `child-ended` and `child-deleted`. */
  readonly kind: string
  /** Name of the data type of the value that it brings; undefined for what brings none. */
  readonly type: string | undefined
  /** Of a batch, the index of the item that it is for; undefined where it is for none of them. */
  readonly item: number | undefined
  /** The `id` that its sender gave it, or that was made for it; undefined for what is no signal and no update. */
  readonly id: string | undefined
  /** When it was sent. */
  readonly at: Date
  /** How long what it brings is, as the store keeps it, in bytes; 0 for nothing. */
  readonly bytes: number
  /** Whether what it brings is never shown: its type is sensitive, or nobody here knows whether it is, in an execution that has sensitive types. */
  readonly isSensitive: boolean
  /** What it brings, where `values` was given; undefined where it is sensitive, or can't be read. */
  readonly value?: unknown
  /** Why what it brings can't be read; absent where it can, or where nobody has tried. */
  readonly problem?: string
}

/** Names of the types of messages, as an execution's graph has them now. */
export interface MessageTypes {
  /** Present names by all that types have had; empty where the graph is not known here. */
  readonly present: ReadonlyMap<string, string>
  /** Names of the types of which no value is shown, former ones among them. */
  readonly sensitive: ReadonlySet<string>
}

/** `sensitive`: as in the details of the execution. */
export function messageTypes(graph: AnyGraph | undefined, sensitive: readonly string[]): MessageTypes {
  const index = graph === undefined ? undefined : requireIndex(graph)
  const types = index === undefined ? [] : [...index.types.values(), ...index.specs.flatMap(({ receives }) => receives)]
  const present = presentNames(types)
  return { present, sensitive: new Set(sensitive.flatMap((name) => [name, present.get(name) ?? name])) }
}

/** What of it has no type, and says nothing but which step or items it is about. */
const harmless: ReadonlySet<string> = new Set(['reschedule', 'retry'])

/** A message as it is shown, without what it brings. */
export function messageInfoOf(message: ListedMessage, { present, sensitive }: MessageTypes): MessageInfo {
  const { seq, kind, at, bytes } = message
  const place = placeOfMessage(message)
  const type = place && (present.get(place.type) ?? place.type)
  const isShown =
    place === undefined
      ? harmless.has(kind)
      : present.has(place.type) && !sensitive.has(place.type) && !sensitive.has(type!)
  return {
    seq,
    kind: kind === 'receive' ? 'signal' : kind,
    type,
    item: place?.item,
    id: place && sentId(message),
    at: new Date(at),
    bytes,
    isSensitive: sensitive.size > 0 && bytes > 0 && !isShown,
  }
}

/** The id as its sender gave it: that of one of many values stands behind the place that it goes to. */
function sentId(message: ListedMessage): string | undefined {
  const { kind, id } = message
  if (id === undefined || kind === 'signal') return id
  const name = kind === updateKind ? updateOf(message).name : id
  const colon = name.indexOf(':')
  return name.slice(colon + 1 + Number(name.slice(0, colon)))
}
