import type { Packr } from 'msgpackr'
import { StoreError } from '../../src/core/errors.ts'
import type { StoredValue, ValueFormat } from '../../src/core/contracts/stored-value.ts'
import { loadPackage } from '../sql/load-package.ts'
import { storeName } from './errors.ts'

/** Turns values into msgpack and back. */
export interface Packer {
  pack(value: unknown): Buffer
  unpack(bytes: Uint8Array): unknown
}

/** Loads msgpackr, an optional peer. @throws StoreError when it is not installed */
export async function loadPacker(): Promise<Packer> {
  const module: { readonly Packr: typeof Packr } = await loadPackage(storeName, 'msgpackr', () => import('msgpackr'))
  // `useRecords` would keep tables of property names beside the data; maps of 16 bits can't hold large records.
  return new module.Packr({ useRecords: false, variableMapSize: true })
}

/** No msgpack value begins with this byte: JSON follows, for the few trees that msgpack(r) would not give back as they were. */
const jsonMark = 0xc1

/** Trees as msgpack. */
export class MsgpackFormat implements ValueFormat {
  readonly name = 'msgpack'
  #packer: Packer | undefined

  usePacker(packer: Packer): void {
    this.#packer = packer
  }

  encode(tree: unknown): StoredValue {
    if (survivesMsgpack(tree)) return this.#loaded().pack(tree)
    return Buffer.concat([Buffer.of(jsonMark), Buffer.from(JSON.stringify(tree))])
  }

  decode(stored: StoredValue): unknown {
    // JSON is what a person or a tool may have put in its place.
    if (typeof stored === 'string') return JSON.parse(stored)
    if (stored[0] === jsonMark) return JSON.parse(Buffer.from(stored).toString('utf8', 1))
    return this.#loaded().unpack(stored)
  }

  #loaded(): Packer {
    if (this.#packer !== undefined) return this.#packer
    throw new StoreError(storeName, 'it is not open yet; call open() first', false)
  }
}

/** Names that mean something to msgpackr: it renames the first, and looks at the others to find out what an object is. */
const trickyNames = new Set(['__proto__', 'constructor', 'toJSON'])

/** Whether msgpackr gives the tree back exactly: lone surrogates would be lost, and so would some names. */
function survivesMsgpack(tree: unknown): boolean {
  if (typeof tree === 'string') return tree.isWellFormed()
  if (typeof tree !== 'object' || tree === null) return true
  if (Array.isArray(tree)) return tree.every(survivesMsgpack)
  for (const key of Object.keys(tree)) {
    if (trickyNames.has(key) || !key.isWellFormed() || !survivesMsgpack((tree as Record<string, unknown>)[key]))
      return false
  }
  return true
}
