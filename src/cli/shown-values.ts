import type { Docket } from '../index.ts'
import { graphNamed } from './cli-call.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { ShownValues } from './execution-json.ts'

/** Which values of an execution may be shown. @throws CliError where its graph is not known: nobody else knows which types are sensitive */
export function shownValuesOf(docket: Docket, graphName: string): ShownValues {
  const graph = graphNamed(docket, graphName)
  if (graph === undefined)
    throw new CliError(
      exitCodes.refused,
      `values are shown by a docket.config.ts that has graph "${graphName}": its code alone says which types are sensitive`,
    )
  const sensitive = new Set(
    graph.types().flatMap((type) => (Reflect.get(type, 'isSensitive') === true ? [type.name] : [])),
  )
  const outputs = new Map(graph.steps.map((step) => [step.name, step.output.name]))
  return { isSensitive: (type) => sensitive.has(type), typeOf: (step) => outputs.get(step) }
}
