import { waitText } from '../index.ts'
import type { ExecutionDetails, StepInfo, StepWait } from '../index.ts'
import { append } from '../core/append.ts'
import { jsonErrorOf } from './json-value.ts'
import type { JsonError } from './json-value.ts'
import { plain } from './plain-text.ts'
import type { Printer } from './printer.ts'
import { statusCell } from './status-cell.ts'

const mostSteps = 200

/** An execution with its steps, as lines for a terminal. */
export function detailsText(details: ExecutionDetails, printer: Printer): string {
  const { id, graph, target, status, queue, key, parent, forkedFrom, situation, incompatible, batch, children } =
    details
  const cell = statusCell(status)
  const word = typeof cell === 'string' ? cell : printer.toned(cell[0], cell[1])
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['graph', `${plain(graph)} → ${plain(target)}`],
    ['status', word],
    ['situation', plain(situation, 2_000)],
    ['queue', key === undefined ? plain(queue) : `${plain(queue)}, key ${plain(key)}`],
    ['created', details.createdAt.toISOString()],
    ['started', details.startedAt?.toISOString()],
    ['ended', details.endedAt?.toISOString()],
    ['deadline', details.deadline?.toISOString()],
    ['parent', parent === undefined ? undefined : plain(parent)],
    ['forked from', forkedFrom === undefined ? undefined : plain(forkedFrom)],
    [
      'inputs',
      Object.keys(details.inputs)
        .map((name) => plain(name))
        .join(', ') || undefined,
    ],
    [
      'overrides',
      Object.keys(details.overrides)
        .map((name) => plain(name))
        .join(', ') || undefined,
    ],
    ['items', batch === undefined ? undefined : itemsText(batch)],
    ['incompatible', incompatible.length === 0 ? undefined : plain(incompatible.join('; '), 2_000)],
  ]
  const lines = [printer.toned(plain(id), 'strong')]
  for (const [name, text] of facts) if (text !== undefined) lines.push(`  ${name.padEnd(12)}  ${text}`)
  const error = jsonErrorOf(details.error)
  if (error !== null) append(lines, errorLines(error))
  if (details.steps.length > 0) append(lines, ['', ...stepTable(details, printer)])
  if (children.length > 0)
    append(lines, [
      '',
      ...printer.table(
        ['CHILD', 'STATUS', 'GRAPH', 'TARGET'],
        children.map((child) => [child.id, statusCell(child.status), child.graph, child.target]),
      ),
    ])
  return lines.join('\n')
}

function itemsText({ total, counts }: NonNullable<ExecutionDetails['batch']>): string {
  const some = Object.entries(counts).flatMap(([status, count]) => (count === 0 ? [] : [`${count} ${status}`]))
  return `${total}: ${some.join(', ') || 'none'}`
}

/** An error with its causes, indented. */
export function errorLines(error: JsonError): readonly string[] {
  return [
    `  ${'error'.padEnd(12)}  ${textOf(error)}`,
    ...error.causes.map((cause) => `${' '.repeat(16)}because ${textOf(cause)}`),
  ]
}

function textOf({ name, message, code }: Omit<JsonError, 'causes'>): string {
  // The reason for which somebody cancelled is a mere text.
  if (name === 'string') return plain(message, 1_000)
  return plain(`${name}${code === null ? '' : ` (${code})`}: ${message}`, 1_000)
}

/** Steps in a table; of very many the first, and how many more there are. */
function stepTable({ steps, lease }: ExecutionDetails, printer: Printer): readonly string[] {
  const isRun = lease?.isAlive === true
  const hasItems = steps.some(({ item }) => item !== undefined)
  const lines = printer.table(
    [...(hasItems ? ['ITEM'] : []), 'STEP', 'STATUS', 'ATTEMPT', 'SINCE', ''],
    steps
      .slice(0, mostSteps)
      .map((step) => [
        ...(hasItems ? [step.item ?? ''] : []),
        step.step,
        statusCell(step.status),
        step.attempt === undefined ? '—' : String(step.attempt),
        step.since?.toISOString() ?? '',
        noteOf(step, isRun),
      ]),
  )
  return steps.length > mostSteps ? [...lines, `and ${steps.length - mostSteps} more: --json has all`] : lines
}

function undoText({ status, endedAt, error }: NonNullable<StepInfo['undo']>): string {
  const failure = jsonErrorOf(error)
  return `undo: ${status}${endedAt === undefined ? '' : ` at ${endedAt.toISOString()}`}${failure === null ? '' : `: ${failure.message}`}`
}

function waitsText(wait: StepWait, isRun: boolean): string {
  return wait.kind === 'owner' && !isRun ? 'a process that goes on with it' : waitText(wait)
}

/** `isRun`: whether a process that lives runs its execution. */
function noteOf({ waitsFor, error, undo }: StepInfo, isRun: boolean): string {
  const failure = jsonErrorOf(error)
  return [
    waitsFor === undefined ? undefined : `waits for ${waitsText(waitsFor, isRun)}`,
    failure === null ? undefined : failure.message,
    undo === undefined ? undefined : undoText(undo),
  ]
    .filter((note) => note !== undefined)
    .join('; ')
}
