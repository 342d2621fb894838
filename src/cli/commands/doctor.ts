import { resolve } from 'node:path'
import type { AnyGraph, Docket, StoreFinding, UnfitValue } from '../../index.ts'
import { isRecord } from '../../core/is-record.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { docketFindings } from '../docket-findings.ts'
import { importFile } from '../import-file.ts'
import { jsonLine, plain } from '../plain-text.ts'
import type { Tone } from '../printer.ts'

const words: Readonly<Record<StoreFinding['level'], readonly [string, Tone]>> = {
  good: ['good', 'good'],
  warning: ['warning', 'busy'],
  problem: ['PROBLEM', 'bad'],
}

/** `docket doctor`: looks at Node, the store, the engine, and what stands still; exits with 4 where it finds a problem. */
export async function doctor(call: CliCall): Promise<ExitCode> {
  const against = call.text('against')
  const report = (finding: StoreFinding): void => {
    const [word, tone] = words[finding.level]
    if (call.printer.isJson) call.printer.line(jsonLine(finding))
    else
      call.printer.line(
        `${call.printer.toned(word.padEnd(8), tone)} ${plain(finding.check)}: ${plain(finding.text, 2_000)}`,
      )
  }
  const findings: StoreFinding[] = []
  const found = (finding: StoreFinding): void => {
    findings.push(finding)
    report(finding)
  }
  if (against === undefined) {
    found(nodeFinding())
    const docket = await call.openDocket('act')
    try {
      await look(call, docket, found)
    } finally {
      await docket.close({ deadline: 0 })
    }
  } else await compare(call, against, found)
  const problems = findings.filter(({ level }) => level === 'problem').length
  const warnings = findings.filter(({ level }) => level === 'warning').length
  call.printer.say(
    problems + warnings === 0 ? 'nothing is wrong' : `${countOf(problems, 'problem')}, ${countOf(warnings, 'warning')}`,
  )
  if (findings.some(({ check, level }) => check === 'store' && level === 'problem')) return exitCodes.unreachable
  return problems === 0 ? exitCodes.done : exitCodes.refused
}

function countOf(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`
}

/** What must be reached before anything else is looked at. */
async function look(call: CliCall, docket: Docket, found: (finding: StoreFinding) => void): Promise<void> {
  const { problems, storeMs } = await docket.health({ deadline: call.globals.timeout })
  if (storeMs === undefined) {
    found({ check: 'store', level: 'problem', text: problems.join('; ') || 'the store did not answer in time' })
    return
  }
  found({
    check: 'store',
    level: 'good',
    text: `the ${docket.about().store} store answers within ${Math.ceil(storeMs)} ms`,
  })
  for await (const finding of docketFindings(docket)) found(finding)
}

function nodeFinding(): StoreFinding {
  const { node } = process.versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 15)
    ? { check: 'node', level: 'good', text: `Node ${node}` }
    : { check: 'node', level: 'problem', text: `Node ${node} is too old: Docket needs 24.15 or newer` }
}

/** Whether graphs of a file could go on with what is stored. */
async function compare(call: CliCall, path: string, found: (finding: StoreFinding) => void): Promise<void> {
  const graphs = graphsOf(await importFile(resolve(call.streams.cwd, path), call.streams.signal))
  if (graphs.length === 0)
    throw new CliError(
      exitCodes.usage,
      `${path} exports no graph: --against takes a module that exports the graphs of the new version, each or in a list`,
    )
  const { incompatibleWith } = await import('../../index.ts')
  await call.withDocket('look', async (docket) => {
    const { migrate, codecs, steps, defaults, persist, app, unknownGraph } = docket.options
    const given = { migrate: knownMigrations(migrate, graphs), codecs, steps, defaults, persist, app, unknownGraph }
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const { incompatible, unfit, looked, unknown, isMore } = await incompatibleWith(
      docket.options.store,
      graphs,
      options,
    )
    for (const { id, graph, status, reasons } of incompatible)
      found({
        check: 'incompatible',
        level: 'problem',
        text: `execution ${id} of graph ${graph} (${status}) could not go on: ${reasons.join('; ')}`,
      })
    for (const { id, graph, status, values } of unfit)
      for (const value of values)
        found({
          check: 'value',
          level: value.isCertain ? 'problem' : 'warning',
          text: `execution ${id} of graph ${graph} (${status}) would go on with ${unfitText(value)}`,
        })
    for (const [graph, many] of Object.entries(unknown))
      found({
        check: 'unknown-graph',
        level: 'problem',
        text: `${many} unfinished ${many === 1 ? 'execution is' : 'executions are'} of graph ${graph}, which ${path} does not have`,
      })
    if (incompatible.length === 0)
      found({
        check: 'incompatible',
        level: 'good',
        text: `all of the ${looked} unfinished executions that were looked at could go on${Object.keys(unknown).length === 0 ? '' : ', but for those'}`,
      })
    if (isMore)
      found({ check: 'incompatible', level: 'warning', text: `there are more than the ${looked} that were looked at` })
  })
}

/** What is wrong with a recorded value, and what to do. */
function unfitText({ type, step, item, problem, isCertain }: UnfitValue): string {
  const of = item === undefined ? '' : ` of item ${item}`
  const what = step === undefined ? `input ${type}${of}` : `the ${type}${of} that step ${step} has made`
  const remedy = isCertain
    ? `give ${type} another version, and a way from the old one in migrate`
    : `if its schema converts nothing, give ${type} another version, and a way from the old one in migrate`
  return `${what}, which does not fit its schema: ${problem}; ${remedy}`
}

/** Hooks of graphs that are compared. */
function knownMigrations(
  migrate: Docket['options']['migrate'],
  graphs: readonly AnyGraph[],
): Docket['options']['migrate'] {
  if (migrate === undefined) return undefined
  const names = new Set(graphs.map(({ name }) => name))
  return Object.fromEntries(Object.entries(migrate).filter(([name]) => names.has(name)))
}

/** Every graph that a module exports, by itself or in a list. */
function graphsOf(module: unknown): readonly AnyGraph[] {
  const graphs = new Map<string, AnyGraph>()
  const look = (value: unknown): void => {
    if (isRecord(value) && value['kind'] === 'graph') graphs.set(String(value['name']), value as unknown as AnyGraph)
    else if (Array.isArray(value)) for (const one of value) look(one)
  }
  if (isRecord(module)) for (const value of Object.values(module)) look(value)
  return [...graphs.values()]
}
