import type { CliCall } from '../cli-call.ts'
import { graphNamed } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { didYouMean } from '../../core/closest-name.ts'

import type { AnyGraph, Docket } from '../../index.ts'
import { plainLines } from '../plain-text.ts'
import { readInputs } from '../read-inputs.ts'

/** `docket explain`: the plan of a target, without running it. */
export async function explain(call: CliCall): Promise<ExitCode> {
  return call.withDocket('look', async (docket) => {
    const [graphName = '', targetName = ''] = call.args
    const graph = requireGraph(docket, graphName)
    const targets = graph.steps.map(({ output }) => output)
    const target = targets.find(({ name }) => name === targetName)
    if (target === undefined) {
      const names = targets.map(({ name }) => name)
      throw new CliError(
        exitCodes.usage,
        `no step of graph "${graph.name}" produces "${targetName}"${didYouMean(targetName, names) || `; it makes: ${names.join(', ')}`}`,
      )
    }
    const inputs = await readInputs(call.streams, (call.options['input'] ?? []) as readonly string[])
    const id = call.text('id')
    const { explain: explainPlan } = await import('../../index.ts')
    const plan = explainPlan(graph as never, target as never, inputs as never, id === undefined ? {} : { id })
    if (call.has('mermaid')) call.printer.line(plan.toMermaid())
    else call.printer.result(plan, () => plainLines(plan.toString()))
    return exitCodes.done
  })
}

/** @throws CliError for a name that no graph has */
function requireGraph(docket: Docket, name: string): AnyGraph {
  const graph = graphNamed(docket, name)
  if (graph !== undefined) return graph
  const names = docket.about().graphs.map((one) => one.name)
  throw new CliError(
    exitCodes.usage,
    `no graph here is named "${name}"${didYouMean(name, names) || `; there are ${names.join(', ') || 'none: explain needs a docket.config.ts'}`}`,
  )
}
