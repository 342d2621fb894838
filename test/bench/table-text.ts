/** A table whose columns stand below each other; the first is for names. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')
  return rows.map((row) => `  ${line(row)}`.trimEnd()).join('\n')
}

export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toPrecision(3)} s`
  if (ms >= 1) return `${ms.toPrecision(3)} ms`
  return ms >= 0.001 ? `${(ms * 1_000).toPrecision(3)} µs` : `${(ms * 1_000_000).toFixed(0)} ns`
}

export function factor(ratio: number): string {
  return ratio < 0.1 && ratio > 0 ? `1/${Math.round(1 / ratio)}` : String(Number(ratio.toPrecision(3)))
}

/** A whole number with its thousands apart. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en')
}
