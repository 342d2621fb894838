/** Counts over all packages at once: the bodies of the steps that take `all(PackageFacts)`. */
import type { Licence, LicenceCategory, PackageFacts, Sizes, Summary } from './data-types.ts'
import { packageId } from './lock-entry.ts'

/** Sorts the sizes and reads median, 90th percentile and maximum off them. */
export function sortSizes(packages: readonly PackageFacts[]): Sizes {
  const ascending = packages.flatMap(({ bytes }) => (bytes === null ? [] : [bytes])).sort((a, b) => a - b)
  return {
    ascending,
    total: ascending.reduce((sum, bytes) => sum + bytes, 0),
    median: nearestRank(ascending, 50),
    p90: nearestRank(ascending, 90),
    max: nearestRank(ascending, 100),
  }
}

/** The smallest value that is at least as large as `percent` of all; 0 of none. */
function nearestRank(ascending: readonly number[], percent: number): number {
  return ascending[Math.ceil((percent / 100) * ascending.length) - 1] ?? 0
}

/** The batch as a whole. */
export function summarise(packages: readonly PackageFacts[], sizes: Sizes): Summary {
  const countState = (state: PackageFacts['state']): number => packages.filter((one) => one.state === state).length
  return {
    packages: {
      total: packages.length,
      installed: countState('installed'),
      skipped: countState('skipped'),
      missing: countState('missing'),
      unreadable: countState('unreadable'),
      direct: packages.filter(({ depth }) => depth === 1).length,
    },
    bytes: sizes.total,
    files: packages.reduce((sum, { files }) => sum + (files ?? 0), 0),
    deepest: packages.reduce((most, { depth }) => Math.max(most, depth ?? 0), 0),
    sizes: { median: sizes.median, p90: sizes.p90, max: sizes.max, histogram: histogramOf(sizes.ascending) },
    licences: countLicences(packages),
    duplicates: findDuplicates(packages),
    differingCopies: findDifferingCopies(packages),
    problems: packages.flatMap(({ location, problem }) => (problem === null ? [] : [{ location, problem }])),
  }
}

const buckets = [
  { label: 'under 10 kB', below: 10e3 },
  { label: '10–100 kB', below: 100e3 },
  { label: '100 kB–1 MB', below: 1e6 },
  { label: '1–10 MB', below: 10e6 },
  { label: '10 MB and more', below: Infinity },
]

function histogramOf(ascending: readonly number[]): Summary['sizes']['histogram'] {
  return buckets.map(({ label, below }, index) => {
    const from = buckets[index - 1]?.below ?? 0
    const inside = ascending.filter((bytes) => bytes >= from && bytes < below)
    return { label, packages: inside.length, bytes: inside.reduce((sum, bytes) => sum + bytes, 0) }
  })
}

function countLicences(packages: readonly PackageFacts[]): Summary['licences'] {
  const categories = Map.groupBy(packages, ({ licence }): LicenceCategory => licence.category)
  return [...categories]
    .map(([category, members]) => ({
      category,
      packages: members.length,
      expressions: [...Map.groupBy(members, ({ licence }) => licenceLabel(licence))]
        .map(([expression, users]) => ({ expression, packages: users.length }))
        .sort((a, b) => b.packages - a.packages),
    }))
    .sort((a, b) => b.packages - a.packages)
}

/** A licence in a word, for those that declare none too. */
export function licenceLabel({ expression }: Licence): string {
  return expression ?? 'none declared'
}

function findDuplicates(packages: readonly PackageFacts[]): Summary['duplicates'] {
  return [...Map.groupBy(packages, ({ name }) => name)]
    .map(([name, copies]) => ({
      name,
      versions: [...new Set(copies.flatMap(({ version }) => version ?? []))].sort(byVersion),
      copies: copies.length,
      bytes: copies.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    }))
    .filter(({ versions }) => versions.length > 1)
    .sort((a, b) => b.bytes - a.bytes)
}

const byVersion = new Intl.Collator('en', { numeric: true }).compare

function findDifferingCopies(packages: readonly PackageFacts[]): readonly string[] {
  const copies = Map.groupBy(packages, packageId)
  return [...copies].flatMap(([id, group]) => {
    const fingerprints = new Set(group.flatMap(({ sha256 }) => sha256 ?? []))
    return fingerprints.size > 1 ? [id] : []
  })
}
