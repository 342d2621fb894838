/** Sets one package against the batch: the body of the step that combines an item's own facts with what all share. */
import type { PackageFacts, PackageRow, Project, Report, Sizes, Summary } from './data-types.ts'
import { packageId } from './lock-entry.ts'

/** One row of the report. */
export function rankPackage(facts: PackageFacts, sizes: Sizes, summary: Summary): PackageRow {
  const versions = summary.duplicates.find(({ name }) => name === facts.name)?.versions ?? []
  const differs = facts.sha256 !== null && summary.differingCopies.includes(packageId(facts))
  return {
    ...facts,
    ...compareSize(facts.bytes, sizes),
    otherVersions: versions.filter((version) => version !== facts.version),
    notes: differs ? [...facts.notes, 'its copies have different contents'] : facts.notes,
  }
}

function compareSize(
  bytes: number | null,
  { ascending, total }: Sizes,
): Pick<PackageRow, 'rank' | 'percentile' | 'share'> {
  if (bytes === null) return { rank: null, percentile: null, share: null }
  const notLarger = countNotLarger(ascending, bytes)
  return {
    rank: ascending.length - notLarger + 1,
    percentile: round((100 * notLarger) / ascending.length, 1),
    share: total === 0 ? 0 : round((100 * bytes) / total, 2),
  }
}

/** How many of the sorted values are not larger, by halving: the step runs once a package. */
function countNotLarger(ascending: readonly number[], value: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** The whole report: largest package first, those without a size last. */
export function writeReport(project: Project, summary: Summary, rows: readonly PackageRow[]): Report {
  return {
    project,
    summary,
    packages: rows.toSorted(
      (a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || (a.location < b.location ? -1 : 1),
    ),
  }
}
