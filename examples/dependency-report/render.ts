/** The report for people: a table and a summary that fit the terminal. Pure: width and colours are given. */
import { licenceLabel } from './aggregate.ts'
import type { PackageRow, Report, Summary } from './data-types.ts'
import { packageId } from './lock-entry.ts'
import type { Effort } from './results-file.ts'
import { cut, oneLine, tableLines } from './table.ts'

/** A colour or a weight, by Node's names for them. */
type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'cyan'

/** What the output can show. */
export interface Screen {
  readonly width: number
  readonly paint: (style: Style, text: string) => string
}

/** The report as text, `top` rows of the table at most. */
export function renderReport(report: Report, top: number, screen: Screen): string {
  const { project, packages, summary } = report
  const title = oneLine(`${project.name} ${project.version ?? ''}`)
  const source = oneLine(`${project.folder} (${project.lockFile}, version ${project.lockfileVersion})`)
  return [
    `${screen.paint('bold', title)}  ${screen.paint('dim', cut(source, screen.width - title.length - 2))}`,
    '',
    ...(packages.length === 0 ? ['no dependencies'] : renderTable(packages.slice(0, top), screen)),
    ...(packages.length > top ? [screen.paint('dim', `… and ${packages.length - top} more; --all shows them`)] : []),
    '',
    ...renderSummary(summary, screen),
  ].join('\n')
}

function renderTable(rows: readonly PackageRow[], { width, paint }: Screen): readonly string[] {
  const column = (heading: string, textOf: (row: PackageRow) => string) => ({
    heading,
    cells: rows.map((row) => oneLine(textOf(row))),
  })
  const left = { align: 'left' } as const
  const right = { align: 'right' } as const
  return tableLines(
    [
      { ...right, ...column('#', ({ rank }) => rank?.toString() ?? '–') },
      { ...left, leastWidth: 22, ...column('Package', nameCell), paint: (cell) => paint('bold', cell) },
      { ...right, ...column('Size', ({ bytes }) => (bytes === null ? '–' : formatBytes(bytes))) },
      { ...right, dispensable: 4, ...column('Share', ({ share }) => (share === null ? '–' : `${share.toFixed(1)} %`)) },
      { ...right, dispensable: 5, ...column('Files', ({ files }) => files?.toString() ?? '–') },
      {
        ...left,
        leastWidth: 8,
        ...column('Licence', licenceCell),
        paint: (cell, row) => paintLicence(rows[row]!, cell, paint),
      },
      { ...right, dispensable: 3, ...column('Depth', ({ depth }) => depth?.toString() ?? '–') },
      { ...left, leastWidth: 12, dispensable: 2, ...column('Pulled in by', pulledInByCell) },
      {
        ...left,
        leastWidth: 12,
        dispensable: 1,
        ...column('Notes', notesCell),
        paint: (cell, row) => paintNotes(rows[row]!, cell, paint),
      },
    ],
    width,
    (heading) => paint('dim', heading),
  )
}

function nameCell(row: PackageRow): string {
  return row.alias === null ? packageId(row) : `${row.alias} → ${packageId(row)}`
}

function licenceCell({ licence }: PackageRow): string {
  return licence.category === 'permissive' ? licenceLabel(licence) : `${licenceLabel(licence)} (${licence.category})`
}

function paintLicence({ licence: { category } }: PackageRow, cell: string, paint: Screen['paint']): string {
  if (category === 'permissive') return cell
  return paint(category === 'weak copyleft' ? 'yellow' : 'red', cell)
}

function paintNotes({ problem }: PackageRow, cell: string, paint: Screen['paint']): string {
  return paint(problem === null ? 'dim' : 'red', cell)
}

function pulledInByCell({ depth, requiredBy }: PackageRow): string {
  if (depth === 1) return 'the project'
  const [first, ...others] = requiredBy
  if (first === undefined) return 'nobody'
  return others.length === 0 ? first : `${first} +${others.length}`
}

function notesCell({ state, problem, notes, otherVersions, kind }: PackageRow): string {
  return [
    ...(problem === null ? [] : [problem]),
    ...(state === 'skipped' ? ['not for this platform'] : []),
    ...(kind === 'linked' || kind === 'extraneous' ? [kind] : []),
    ...(otherVersions.length === 0 ? [] : [`also ${otherVersions.join(', ')}`]),
    ...notes,
  ].join('; ')
}

const labelWidth = 12
const barWidth = 24

function renderSummary(summary: Summary, { width, paint }: Screen): readonly string[] {
  const { packages, sizes, licences, duplicates, differingCopies, problems } = summary
  const section = (label: string, lines: readonly string[]): readonly string[] =>
    lines.map(
      (line, index) => paint('bold', (index === 0 ? label : '').padEnd(labelWidth)) + cut(line, width - labelWidth),
    )
  const most = Math.max(1, ...sizes.histogram.map((bucket) => bucket.packages))
  return [
    ...section('Packages', [
      [
        `${packages.total} in all`,
        `${packages.installed} installed`,
        ...(packages.skipped > 0 ? [`${packages.skipped} not for this platform`] : []),
        ...(packages.missing > 0 ? [`${packages.missing} missing`] : []),
        ...(packages.unreadable > 0 ? [`${packages.unreadable} unreadable`] : []),
      ].join(', '),
      `${packages.direct} direct, the deepest ${summary.deepest} from the project`,
    ]),
    ...section('Size', [
      `${formatBytes(summary.bytes)} in ${summary.files} files`,
      `median ${formatBytes(sizes.median)}, 90 % up to ${formatBytes(sizes.p90)}, largest ${formatBytes(sizes.max)}`,
      ...sizes.histogram.map(({ label, packages }) =>
        `${label.padEnd(14)} ${String(packages).padStart(5)} ${'█'.repeat(Math.round((barWidth * packages) / most))}`.trimEnd(),
      ),
    ]),
    ...section(
      'Licences',
      licences.map(({ category, packages, expressions }) => {
        const names = expressions.map(({ expression, packages }) => `${expression} ${packages}`)
        return `${`${category} ${packages}`.padEnd(19)} ${oneLine(names.join(', '))}`
      }),
    ),
    ...section(
      'Duplicates',
      duplicates.length === 0
        ? ['none']
        : duplicates.map(({ name, versions, bytes }) =>
            oneLine(`${name} ${versions.join(', ')} (${bytes === 0 ? 'not on this machine' : formatBytes(bytes)})`),
          ),
    ),
    ...section(
      'Suspicious',
      differingCopies.map((id) => oneLine(`copies of ${id} have different contents`)),
    ),
    ...section(
      'Problems',
      problems.map(({ location, problem }) => oneLine(`${location}: ${problem}`)),
    ),
  ]
}

/** How much was examined this time, and where the results are. */
export function renderEffort({ examined, unchanged }: Effort, path: string | null, { paint }: Screen): string {
  const known = unchanged === 0 ? '' : `; unchanged since the last time: ${unchanged}`
  const place = path === null ? 'kept nowhere' : `kept in ${oneLine(path)}`
  return `${paint('bold', 'Examined'.padEnd(labelWidth))}${examined} of ${examined + unchanged} packages${known} (${place})`
}

/** Powers of a thousand, as disks are sold and npm counts. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let amount = bytes
  let unit = 0
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000
    unit++
  }
  return `${unit === 0 || amount >= 99.95 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`
}
