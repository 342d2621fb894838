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

/** In the place of the graph's hash of an execution that was taken out for another store, until it is open there: it is a half of it, and the other one is written there. */
export const leavingHash = 'detached:leaving'

/** In its place once it is open there. */
export const movedHash = 'detached:moved'

const destinations: ReadonlyMap<string, string> = new Map([
  [detachedHash, 'was detached from its docket: it goes on from the snapshot of detach(), or nowhere'],
  [
    leavingHash,
    'is being moved to another store, or the process that moved it died of it: call moveTo once more, and it goes on there',
  ],
  [movedHash, 'was moved to another store, and goes on there'],
])

/** Where an execution that was taken out of its docket goes on, as what is said of it. */
export function destinationOf({ graphHash }: Pick<Hashed, 'graphHash'>): string | undefined {
  return destinations.get(graphHash)
}

type Hashed = Pick<ExecutionRecord, 'id' | 'graphHash'>

/** Whether an execution was taken out of its docket. */
export function isDetached({ graphHash }: Pick<Hashed, 'graphHash'>): boolean {
  return destinations.has(graphHash)
}

/** @throws ExecutionConflictError for an execution that was taken out of its docket */
export function requireAttached(record: Hashed): void {
  if (isDetached(record)) throw detachedError(record)
}

/** Whether an execution is being written here by a process that moves it, or by one that died of it. */
export function isArriving({ graphHash }: Pick<Hashed, 'graphHash'>): boolean {
  return graphHash.startsWith(movingHash)
}

/** Makes sure that a move has not left one half of an execution here: what is done to that would not reach the other one. @throws ExecutionConflictError */
export function requireWhole(record: Hashed): void {
  const isLeaving = record.graphHash === leavingHash
  if (!isLeaving && !isArriving(record)) return
  const { id } = record
  const [where, there] = isLeaving ? ['to', ', and do this there'] : ['here from', ' in its docket']
  throw new ExecutionConflictError(
    `execution "${id}" is being moved ${where} another store, or the process that moved it died of it: call moveTo once more${there}`,
    { executionId: id },
  )
}

/** The error of an execution that was taken out of its docket. */
export function detachedError({ id, graphHash }: Hashed): ExecutionConflictError {
  return new ExecutionConflictError(`execution "${id}" ${destinationOf({ graphHash })}`, { executionId: id })
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
