import { hashOfDrawing } from '../../core/graph/drawing.ts'
import type { Drawing } from '../../core/graph/drawing.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import type { BatchItems } from './batch-items.ts'
import type { BatchHead } from './batch-head.ts'

/** Items that are digested together: one digest over all would need them all as one text. */
export const itemsPerDigest = 100

/** Digest of the items from `start` on. */
export function digestOfItems({ keys, items }: BatchItems, start: number): string {
  return digest(canonicalize([keys, items].map((list) => list.slice(start, start + itemsPerDigest))))
}

/** Digest of what a batch is to do. */
export function digestOfBatch(
  target: string,
  { shared, overrides, onError }: Pick<BatchHead, 'shared' | 'overrides' | 'onError'>,
  digests: readonly string[],
  drawing?: Drawing,
): string {
  const drawn = drawing === undefined ? [] : [{ drawing: hashOfDrawing(drawing) }]
  return digest(
    canonicalize([
      'batch',
      target,
      shared,
      onError,
      digests,
      ...(overrides === undefined ? [] : [overrides]),
      ...drawn,
    ]),
  )
}
