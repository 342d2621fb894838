import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import { hashOfDrawing } from '../../core/graph/drawing.ts'
import type { GraphIndex } from '../../core/graph/graph-index.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'

/**
 * In the place of the graph's hash until a fork has its records: should its process die before, nobody must begin it without
 * them, and do again what the original has done.
 */
export const unwrittenFork = ''

/** In the place of the graph's hash of an execution that was taken out of its docket: nothing here may go on with it. */
export const detachedHash = 'detached'

/** What the graph's hash begins with while an execution is written here by a process that moves it: nobody may go on with it before it is whole, and detached where it was. */
export const movingHash = 'moving:'

/** @throws ExecutionConflictError for an execution that was taken out of its docket */
export function requireAttached({ id, graphHash }: Pick<ExecutionRecord, 'id' | 'graphHash'>): void {
  if (graphHash === detachedHash) throw detachedError(id)
}

export function detachedError(id: string): ExecutionConflictError {
  const message = `execution "${id}" was detached from its docket: it goes on from the snapshot that detach() gave, and from nothing else`
  return new ExecutionConflictError(message, { executionId: id })
}

const hashes = new WeakMap<GraphIndex, string>()

/** A digest of what a graph declares: steps, versions, types, ports. Policies don't count: they change nothing that is stored. */
export function graphHashOf(index: GraphIndex): string {
  if (index.drawing !== undefined) return hashOfDrawing(index.drawing)
  let hash = hashes.get(index)
  if (hash === undefined) {
    const steps = index.specs.map(({ name, version, output, ports }) => [
      name,
      version,
      output.name,
      output.version,
      ports.map((port) => [port.name, port.type, port.kind]),
    ])
    const leaves = [...index.types.values()].flatMap(({ name, version }) =>
      index.producers.has(name) || version === undefined ? [] : [[name, version]],
    )
    hashes.set(index, (hash = digest(canonicalize(leaves.length === 0 ? steps : [steps, leaves]))))
  }
  return hash
}
