import { cpus, platform, release } from 'node:os'
import { ratioOf, spreadOf } from './measure.ts'
import type { Spread } from './measure.ts'
import { versions } from './packages.ts'
import { targets, verdictOf } from './targets.ts'
import type { Target } from './targets.ts'
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
export function tableOf({ title, series, steps, base, notes }: Result): string {
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
  return [`## ${title}`, ...body, ...notes.map((note) => `  ${note}`)].join('\n')
}

/** The promises and what became of them. */
export function verdicts(results: ReadonlyMap<string, Result>): string {
  const rows = targets.map((target) => {
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

function limitText(limit: number | undefined, { unit }: Target): string {
  if (limit === undefined) return '–'
  return unit === 'MB' ? `≤ ${limit} MB` : `≤ ${factor(limit)}`
}

function gotText(got: Spread, { unit }: Target): string {
  return unit === 'MB' ? `${got.median.toFixed(1)} MB` : ratioText(got)
}

function ratioText({ median, low, high }: Spread): string {
  return `${factor(median)} (${factor(low)} – ${factor(high)})`
}

function factor(ratio: number): string {
  return ratio < 0.1 && ratio > 0 ? `1/${Math.round(1 / ratio)}` : String(Number(ratio.toPrecision(3)))
}

function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toPrecision(3)} s`
  if (ms >= 1) return `${ms.toPrecision(3)} ms`
  return ms >= 0.001 ? `${(ms * 1_000).toPrecision(3)} µs` : `${(ms * 1_000_000).toFixed(0)} ns`
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')
  return rows.map((row) => `  ${line(row)}`.trimEnd()).join('\n')
}
