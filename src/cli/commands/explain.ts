import type { CliCall } from '../cli-call.ts'
import { exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { plainLines } from '../plain-text.ts'
import { readInputs } from '../read-inputs.ts'
import { requireGraph, requireTarget } from '../require-graph.ts'

/** `docket explain`: the plan of a target, without running it. */
export async function explain(call: CliCall): Promise<ExitCode> {
  return call.withDocket('look', async (docket) => {
    const [graphName = '', targetName = ''] = call.args
    const graph = requireGraph(docket, graphName)
    const target = requireTarget(graph, targetName)
    const inputs = await readInputs(call.streams, (call.options['input'] ?? []) as readonly string[])
    const id = call.text('id')
    const { explain: explainPlan } = await import('../../index.ts')
    const plan = explainPlan(graph as never, target as never, inputs as never, id === undefined ? {} : { id })
    if (call.has('mermaid')) call.printer.line(plan.toMermaid())
    else call.printer.result(plan, () => plainLines(plan.toString()))
    return exitCodes.done
  })
}
