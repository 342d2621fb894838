import { didYouMean } from '../../core/closest-name.ts'
import { requireName } from '../../core/check-name.ts'
import { OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import type { DocketContext } from '../context/docket-context.ts'

/** A graph of the docket and a type that it makes, by their names, which may be former ones. @throws OptionError for a name that nobody knows */
export function graphAndTarget(
  context: DocketContext,
  graphName: string,
  targetName: string,
): { readonly graph: AnyGraph; readonly target: AnyDataType } {
  requireName('startByName: graph', graphName)
  requireName('startByName: target', targetName)
  const graph = context.graphNamed(graphName)
  if (graph === undefined) {
    const names = [...context.graphs.keys()]
    throw new OptionError(
      `startByName: this docket does not know graph "${graphName}"${didYouMean(graphName, names) || `; it has: ${names.join(', ') || 'none'}`}`,
    )
  }
  const { producers, former } = requireIndex(graph)
  const target = producers.get(targetName) ?? producers.get(former?.types.get(targetName) ?? '')
  // As it was declared: a workflow has its arguments.
  if (target !== undefined) return { graph: context.declared(graph), target: target.output }
  const made = [...producers.keys()]
  throw new OptionError(
    `startByName: no step of graph "${graph.name}" produces "${targetName}"${didYouMean(targetName, made) || `; it makes: ${made.join(', ')}`}`,
  )
}
