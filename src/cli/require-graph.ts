import type { AnyGraph, Docket } from '../index.ts'
import { didYouMean } from '../core/closest-name.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { graphNamed } from './cli-call.ts'
import { CliError, exitCodes } from './cli-error.ts'

const mostNames = 30

/** A graph of the docket, by a name that was typed. @throws CliError that says which graphs there are */
export function requireGraph(docket: Docket, name: string): AnyGraph {
  const graph = graphNamed(docket, name)
  if (graph !== undefined) return graph
  const names = docket.about().graphs.map((one) => one.name)
  throw new CliError(
    exitCodes.usage,
    `no graph here is named "${name}"; there are ${listOf(names) || 'none: a docket.config.ts has them'}${didYouMean(name, names)}`,
  )
}

/** A type that a graph makes, by a name that was typed, which may be a former one. @throws CliError that says what it makes */
export function requireTarget(graph: AnyGraph, name: string): AnyDataType {
  const { producers, former } = requireIndex(graph)
  const producer = producers.get(name) ?? producers.get(former?.types.get(name) ?? '')
  if (producer !== undefined) return producer.output
  const names = [...producers.keys()]
  throw new CliError(
    exitCodes.usage,
    `no step of graph "${graph.name}" produces "${name}"; it makes ${listOf(names)}${didYouMean(name, names)}`,
  )
}

function listOf(names: readonly string[]): string {
  const more = names.length - mostNames
  return `${names.slice(0, mostNames).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}
