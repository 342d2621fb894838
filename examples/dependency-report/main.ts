/**
 * `npm start`: examines the dependencies of a project and prints a report. Read on with `data-types.ts`, `package-steps.ts`, `report.ts`
 * and `results-file.ts`: Docket is in these (and in the progress bar). Everything else is plain functions that know nothing of it.
 */
import { styleText } from 'node:util'
import { progressObserver } from 'docket/observers/progress'
import { requireInstalled } from './installed.ts'
import { readLockedProject } from './lock-file.ts'
import { pageUntil } from './open-page.ts'
import { readOptions, usage } from './options.ts'
import { ProjectProblem, systemCode } from './project-problem.ts'
import { renderEffort, renderReport } from './render.ts'
import type { Screen } from './render.ts'
import { examine, planAsMermaid } from './report.ts'
import { EffortCounter, resultsFileOf } from './results-file.ts'
import type { Effort } from './results-file.ts'
import { oneLine } from './table.ts'

/** Wide enough for every column where there is no terminal to fit. */
const widthOfPipe = 160

const screen: Screen = {
  width: process.stdout.columns ?? widthOfPipe,
  // Node looks whether stdout is a terminal, and at NO_COLOR.
  paint: (style, text) => styleText(style, text, { stream: process.stdout }),
}

async function main(): Promise<string> {
  const { folder, output, top, results, isInspected } = readOptions(process.argv.slice(2))
  if (output === 'help') return usage
  const locked = await readLockedProject(folder)
  if (output === 'mermaid') return planAsMermaid(locked)
  await requireInstalled(locked)

  const { path, store } = await resultsFileOf(locked.project.folder, results)
  const counter = new EffortCounter()
  // Docket feature: **observers**. One draws a progress bar on a terminal, and nothing in a pipe; the other counts.
  const observers = [progressObserver({ label: 'packages' }), counter.observe]
  const { signal } = stopped
  const inspect = isInspected ? pageUntil(signal, (line) => process.stderr.write(`${line}\n`)) : undefined
  const report = await examine(locked, { store, observers, inspect, signal }).catch((error: unknown) => {
    throw signal.aborted ? stoppedAfter(counter.effort, path) : error
  })
  return output === 'json'
    ? JSON.stringify({ ...report, effort: { ...counter.effort, results: path } }, null, 2)
    : `${renderReport(report, top, screen)}\n${renderEffort(counter.effort, path, screen)}`
}

function stoppedAfter({ examined }: Effort, path: string | null): ProjectProblem {
  const fate = path === null ? 'nothing was kept' : `they are kept in ${path}, and the next start goes on`
  return new ProjectProblem(`stopped after ${examined} ${examined === 1 ? 'package' : 'packages'}; ${fate}`)
}

// Ctrl-C: what is done is kept. Whoever presses it twice means it.
const stopped = new AbortController()
process.once('SIGINT', () => stopped.abort())

// Whoever reads only the first lines (`| head`) has closed the pipe: no reason to complain.
process.stdout.on('error', (error) => process.exit(systemCode(error) === 'EPIPE' ? 0 : 1))

try {
  process.stdout.write(`${await main()}\n`)
} catch (error) {
  if (!(error instanceof Error)) throw error
  const message = error instanceof ProjectProblem ? error.message : `unexpected: ${error.message}`
  process.stderr.write(`dependency-report: ${oneLine(message)}\n`)
  process.exitCode = stopped.signal.aborted ? 130 : 1
}
