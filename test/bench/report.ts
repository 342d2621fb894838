import { cpus, platform, release } from 'node:os'
import { ratioOf, spreadOf } from './measure.ts'
import type { Spread } from './measure.ts'
import { versions } from './packages.ts'
import { aligned, duration, factor, grouped } from './table-text.ts'
import { verdictOf } from './target.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'
import type { Result } from './workloads/workload.ts'

/** Where the numbers come from. */
export function surroundings(): Readonly<Record<string, string>> {
  const [cpu] = cpus()
  return {
    node: process.version,
    v8: process.versions.v8,
    cpu: `${cpu?.model.trim() ?? 'unknown'} × ${cpus().length}`,
    system: `${platform()} ${release()}`,
    ...versions(),
  }
}

/** One workload's table: time a run, and the ratio to the one that it is compared with. */
export function tableOf({ title, series, steps, base, tables = [], notes }: Result): string {
  const compared = series.find(({ name }) => name === base)
  const rows = series.map((one) => {
    const { median, low, high } = spreadOf(one.msPerRun)
    const cells = [one.name, duration(median), `${duration(low)} – ${duration(high)}`]
    if (steps !== undefined) cells.push(duration(median / steps))
    if (compared !== undefined) cells.push(one === compared ? '1' : ratioText(ratioOf(one, compared)))
    return cells
  })
  const head = ['', 'median', 'middle half', ...(steps === undefined ? [] : ['a step'])]
  if (compared !== undefined) head.push(`× ${compared.name}`)
  const body = rows.length === 0 ? [] : [aligned([head, ...rows])]
  const others = tables.map((table) => aligned(table))
  return [`## ${title}`, ...body, ...others, ...notes.map((note) => `  ${note}`)].join('\n')
}

/** The promises that something was measured for, or should have been. */
export function judgedOf(results: ReadonlyMap<string, Result>): readonly Target[] {
  return targets.filter(
    ({ workload, isOptional = false, got }) => results.has(workload) && !(isOptional && got(results) === undefined),
  )
}

/** The promises and what became of them. */
export function verdicts(results: ReadonlyMap<string, Result>): string {
  const rows = judgedOf(results).map((target) => {
    const got = target.got(results)
    return [
      target.measure,
      limitText(target.must, target),
      limitText(target.goal, target),
      got === undefined ? '–' : gotText(got, target),
      verdictOf(target, got),
    ]
  })
  return aligned([['measure', 'must', 'goal', 'got (middle half)', 'verdict'], ...rows])
}

function limitText(limit: number | undefined, { unit, isAtLeast = false }: Target): string {
  if (limit === undefined) return '–'
  return `${isAtLeast ? '≥' : '≤'} ${unit === 'ratio' ? factor(limit) : `${limit.toLocaleString('en')} ${unit}`}`
}

function gotText(got: Spread, { unit }: Target): string {
  if (unit === 'ratio') return ratioText(got)
  if (unit === 'a second') return `${grouped(got.median)} ${unit}`
  return unit === 'MB' ? `${got.median.toFixed(1)} MB` : `${factor(got.median)} ${unit}`
}

function ratioText({ median, low, high }: Spread): string {
  return `${factor(median)} (${factor(low)} – ${factor(high)})`
}
