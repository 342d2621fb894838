/** The command line of the report. */
import { parseArgs } from 'node:util'
import { ProjectProblem } from './project-problem.ts'

export const usage = `Usage: npm start -- [project folder] [options]

Examines the dependency tree of an npm project: by default this one.

  --top <n>         show the n largest packages (default: 20)
  --all             show all packages
  --json            write the report as JSON to stdout, and nothing else
  --mermaid         write the execution plan as a Mermaid diagram; examines nothing
  --results <file>  keep results in this SQLite file, so that the next start examines only what has changed
                    (default: node_modules/.cache/dependency-report.db in the project)
  --fresh           examine everything, and keep nothing
  --inspect         open a page that shows the work as it goes on, and stays open until Ctrl-C
  --help            show this

Ctrl-C stops it in the middle; the next start goes on with what is left.

npm prints a banner to stdout, unless it is silenced: npm start --silent -- --json > report.json

Ends with exit code 0 when there is a report (it may list missing packages), else with 1.`

/** What the command line says. */
export interface Options {
  readonly folder: string
  readonly output: 'table' | 'json' | 'mermaid' | 'help'
  /** How many packages the table shows. */
  readonly top: number
  /** The file with the results: a path, undefined for the project's own, null for none. */
  readonly results: string | null | undefined
  /** Whether a page shows the work. */
  readonly isInspected: boolean
}

/** Reads the arguments. @throws ProjectProblem for what it doesn't know */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  const outputs = (['help', 'json', 'mermaid'] as const).filter((name) => values[name] === true)
  if (values.help !== true && outputs.length > 1)
    throw new ProjectProblem('--json and --mermaid exclude each other; choose one')
  if (positionals.length > 1) throw new ProjectProblem(`one project at a time, not ${positionals.length}; see --help`)
  const top = Number(values.top ?? 20)
  if (!Number.isInteger(top) || top < 1)
    throw new ProjectProblem(`--top takes a whole number from 1, not "${values.top}"; see --help`)
  if (values.fresh === true && values.results !== undefined)
    throw new ProjectProblem('--fresh keeps nothing, so leave out --results; see --help')
  if (values.results === '') throw new ProjectProblem('--results takes the path of a file; see --help')
  return {
    folder: positionals[0] ?? '.',
    output: outputs[0] ?? 'table',
    top: values.all === true ? Infinity : top,
    results: values.fresh === true ? null : values.results,
    isInspected: values.inspect === true,
  }
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        top: { type: 'string' },
        all: flag,
        json: flag,
        mermaid: flag,
        results: { type: 'string' },
        fresh: flag,
        inspect: flag,
        help: { ...flag, short: 'h' },
      },
    })
  } catch (error) {
    const message = error instanceof Error ? error.message.split('. ', 1)[0]! : String(error)
    throw new ProjectProblem(`${message}; see --help`, { cause: error })
  }
}
