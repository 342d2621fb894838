import { ExecutionConflictError } from '../../core/errors.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { withoutSensitiveParts } from '../../core/values/plain-data.ts'
import { hashOfDrawing } from '../../core/graph/drawing.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { LruMap } from '../collections/lru-map.ts'
import { processCache } from './result-cache.ts'
import type { ResultCache } from './result-cache.ts'

/** Where a named execution keeps results, and the digest of its target and inputs: both are part of their keys. */
export interface ExecutionMemory {
  readonly cache: ResultCache
  readonly requestDigest: string
}

const maxKept = 10_000
// What each named execution was started for, to find conflicts. One that is forgotten here finds no foreign results either.
const started = new LruMap<string>()

/**
 * Where results of scope 'execution' go: into this process's memory, if the caller named the execution, so that calling
 * again with the same id finds finished steps finished. The results of an unnamed one could never be found again.
 * @throws ExecutionConflictError when the id was used for another target or other inputs
 */
export function memoryOf(
  plan: Plan,
  id: string | undefined,
  leafValues: readonly unknown[],
): ExecutionMemory | undefined {
  if (!plan.hasExecutionScope || id === undefined) return undefined
  const requestDigest = requestDigestOf(plan, leafValues)
  rememberCall(plan.index.graph.name, id, requestDigest)
  return { cache: processCache, requestDigest }
}

/** Digest of what an execution is to do: its target and the leaf values. @throws SerializationError */
export function requestDigestOf(plan: Plan, leafValues: readonly unknown[]): string {
  // By name, so that an error names the input that can't be compared.
  const inputs = Object.fromEntries(plan.leaves.map((leaf, position) => [leaf.type.name, leafValues[position]]))
  const { drawing } = plan.index
  const what = drawing === undefined ? undefined : hashOfDrawing(drawing)
  try {
    return digest(canonicalize({ target: plan.target.name, inputs, drawing: what }))
  } catch (error) {
    const sensitive = plan.leaves.flatMap(({ type }) => (isSensitiveType(type) ? [type.name] : []))
    throw withoutSensitiveParts(error, sensitive.length > 0 && ((name) => sensitive.includes(name)))
  }
}

function rememberCall(graph: string, id: string, requestDigest: string): void {
  const key = JSON.stringify([graph, id])
  const known = started.get(key)
  if (known !== undefined && known !== requestDigest) {
    throw new ExecutionConflictError(
      `execution "${id}" of graph "${graph}" was started before with another target or other inputs; use another id, or the same inputs`,
      { graph, executionId: id },
    )
  }
  started.set(key, requestDigest, maxKept)
}

/** Makes the id free again: the call was refused before anything ran. */
export function forgetCall(plan: Plan, id: string | undefined): void {
  if (id !== undefined) started.delete(JSON.stringify([plan.index.graph.name, id]))
}
