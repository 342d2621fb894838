import type { GraphIndex } from '../../core/graph/graph-index.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'

/**
 * In the place of the graph's hash until a fork has its records: should its process die before, nobody must begin it without
 * them, and do again what the original has done.
 */
export const unwrittenFork = ''

const hashes = new WeakMap<GraphIndex, string>()

/** A digest of what a graph declares: steps, versions, types, ports. Policies don't count: they change nothing that is stored. */
export function graphHashOf(index: GraphIndex): string {
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
