/** A graph put together at run time: the same checks, made by `untypedGraph` before anything runs. */
import { dataType, execute, GraphError, step, type, untypedGraph } from 'docket'
import type { AnyStep } from 'docket'

const Text = dataType('Text', type<string>())
const Report = dataType('Report', type<string>())

// #region steps
// Which measures there are may come from a configuration file.
const measures: Readonly<Record<string, (text: string) => number>> = {
  Length: (text) => text.length,
  Words: (text) => text.split(' ').length,
}
const types = Object.keys(measures).map((name) => dataType(name, type<number>()))
const steps: AnyStep[] = types.map((output) =>
  step({
    name: `Measure${output.name}`,
    inputs: { text: Text },
    output,
    run: ({ text }) => measures[output.name]!(text),
  }),
)
const report = step({
  name: 'WriteReport',
  inputs: Object.fromEntries(types.map((output) => [output.name, output])),
  output: Report,
  run: (numbers) => JSON.stringify(numbers),
})

const reports = untypedGraph({ name: 'reports', steps: [...steps, report] })
// #endregion

console.log(await execute(reports, Report, { Text: 'to be or not to be' }))

try {
  untypedGraph({ name: 'twice', steps: [...steps, ...steps] })
} catch (error) {
  if (error instanceof GraphError) console.log(`${error.problems.length} problems: ${error.problems[0]?.message}; …`)
}
