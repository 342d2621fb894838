import { isRecord } from '../../core/is-record.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { StepPages } from './step-pages.ts'
import { decodePresent, unreadable } from './stored-inputs.ts'

/** The records of a batch that have its items, in chunks, under a name that no step can have. */
export const itemsStep = '$items'

// More than anybody's batch has; a number that somebody edited must not take all memory.
const mostRoom = 20_000_000

/** A batch's items, and their names in the records. */
export interface BatchItems {
  readonly items: readonly unknown[]
  readonly keys: readonly string[]
}

/** A chunk of a batch's items, as it is stored. */
export interface ItemsChunk extends BatchItems {
  /** The index of its first item; after the chunk before, where that is not given. */
  readonly at?: number
}

/** The items, in chunks that can be stored. */
export function chunksOf({
  items,
  keys,
  chunkEnds,
}: BatchItems & { readonly chunkEnds: readonly number[] }): readonly ItemsChunk[] {
  return chunkEnds.map((end, index) => {
    const at = chunkEnds[index - 1] ?? 0
    return { at, keys: keys.slice(at, end), items: items.slice(at, end) }
  })
}

/** Puts a batch's items together from its chunks, in whatever order they come. */
export class ItemsReader {
  readonly #id: string
  readonly #encoding: ValueEncoding
  readonly #turn: Turn
  readonly #items: unknown[]
  readonly #keys: string[]
  /** Chunks that don't say where they belong, by their number. */
  readonly #unplaced = new Map<number, ItemsChunk>()
  readonly #keepsItems: boolean
  /** Holes are not counted. */
  #written = 0

  /** @param keepsItems false where only their keys are wanted */
  constructor(id: string, total: number, encoding: ValueEncoding, turn: Turn, keepsItems = true) {
    this.#id = id
    this.#encoding = encoding
    this.#turn = turn
    // As long as it will be: chunks come in the order of their names, and an array with large holes is a table.
    const room = total > 0 ? Math.min(Math.floor(total), mostRoom) : 0
    this.#keepsItems = keepsItems
    this.#items = new Array<unknown>(keepsItems ? room : 0)
    this.#keys = new Array<string>(room)
  }

  /** @throws SerializationError */
  async take({ step, item, output }: StepRecord): Promise<void> {
    const identity = ['step', this.#id, step, item, 'output']
    const chunk = await decodePresent(output, identity, this.#encoding)
    if (!isChunk(chunk)) throw unreadable(identity, 'it is not a chunk of items')
    const { at } = chunk
    if (at === undefined) this.#unplaced.set(Number(item), chunk)
    else await this.#place(chunk, at)
  }

  /** The items, or how many of them are there, where their process died before all were written. */
  async done(total: number): Promise<BatchItems | number> {
    let next = 0
    for (const [, chunk] of [...this.#unplaced].toSorted(([one], [other]) => one - other)) {
      await this.#place(chunk, next)
      next += chunk.keys.length
    }
    return this.#written < total ? this.#written : { items: this.#items, keys: this.#keys }
  }

  async #place({ keys, items }: ItemsChunk, at: number): Promise<void> {
    if (this.#turn.mustYield(keys.length)) await this.#turn.next()
    for (const [index, key] of keys.entries()) {
      if (this.#keys[at + index] === undefined) this.#written++
      this.#keys[at + index] = key
      if (this.#keepsItems) this.#items[at + index] = items[index]
    }
  }
}

/** Somebody may have edited the record. */
function isChunk(value: unknown): value is ItemsChunk {
  if (!isRecord(value)) return false
  const { keys, items, at } = value
  const isPlaced = at === undefined || (Number.isSafeInteger(at) && (at as number) >= 0)
  return isPlaced && Array.isArray(items) && Array.isArray(keys) && keys.every((key) => typeof key === 'string')
}

/** The items of a batch, or how many of them are there. @throws SerializationError */
export async function writtenItemsOf(
  id: string,
  pages: StepPages,
  total: number,
  encoding: ValueEncoding,
  turn: Turn,
): Promise<BatchItems | number> {
  const reader = new ItemsReader(id, total, encoding, turn)
  await pages(async (steps) => {
    for (const step of steps) if (step.step === itemsStep) await reader.take(step)
  })
  return reader.done(total)
}
