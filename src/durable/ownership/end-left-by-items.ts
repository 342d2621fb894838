import { ExecutionCancelledError } from '../../core/errors.ts'
import type { Recorder } from '../../runtime/execution/recorder.ts'
import { leftByItems, mayLeaveChildren } from '../records/left-by-items.ts'
import type { OwnedBatchParts } from './owned-batch-parts.ts'

/** Ends the children of a restored batch's items that have ended without them, and do not begin again. */
export function endLeftByItems(parts: OwnedBatchParts, recorder: Recorder): void {
  const { frame, restored, setup } = parts
  const { plan, options } = frame
  if (setup.children === undefined || restored === undefined) return
  if (restored.outcomes.size === 0 || !mayLeaveChildren(plan)) return
  const { id } = parts.right
  const place = { graph: plan.whole.index.graph.name, executionId: id }
  const parent = { id, place, options, setup: {}, recorder, released: undefined }
  const batch = { ...parts, id, plan, restored }
  const reason = new ExecutionCancelledError(`the item of batch "${id}" that it is part of has ended`, place)
  setup.children.cancelLeft(parent, (children) => leftByItems(children, batch), reason)
}
