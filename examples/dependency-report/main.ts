/**
 * `npm start`: examines the dependencies of a project and prints a report. Read on with `data-types.ts`, `package-steps.ts`
 * and `report.ts`: Docket is in these (and in the progress bar). Everything else is plain functions that know nothing of it.
 */
import { styleText } from 'node:util'
import { progressObserver } from 'docket/observers/progress'
import { readLockedProject } from './lock-file.ts'
import { readOptions, usage } from './options.ts'
import { ProjectProblem, systemCode } from './project-problem.ts'
import { renderReport } from './render.ts'
import type { Screen } from './render.ts'
import { examine, planAsMermaid } from './report.ts'
import { oneLine } from './table.ts'

/** Wide enough for every column where there is no terminal to fit. */
const widthOfPipe = 160

const screen: Screen = {
  width: process.stdout.columns ?? widthOfPipe,
  // Node looks whether stdout is a terminal, and at NO_COLOR.
  paint: (style, text) => styleText(style, text, { stream: process.stdout }),
}

async function main(): Promise<string> {
  const { folder, output, top } = readOptions(process.argv.slice(2))
  if (output === 'help') return usage
  const locked = await readLockedProject(folder)
  if (output === 'mermaid') return planAsMermaid(locked)
  // Docket feature: **observers**. This one draws a progress bar on a terminal, and nothing in a pipe.
  const report = await examine(locked, [progressObserver({ label: 'packages' })])
  return output === 'json' ? JSON.stringify(report, null, 2) : renderReport(report, top, screen)
}

// Whoever reads only the first lines (`| head`) has closed the pipe: no reason to complain.
process.stdout.on('error', (error) => process.exit(systemCode(error) === 'EPIPE' ? 0 : 1))

try {
  process.stdout.write(`${await main()}\n`)
} catch (error) {
  if (!(error instanceof Error)) throw error
  const message = error instanceof ProjectProblem ? error.message : `unexpected: ${error.message}`
  process.stderr.write(`dependency-report: ${oneLine(message)}\n`)
  process.exitCode = 1
}
