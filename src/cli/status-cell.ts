import type { Tone } from './printer.ts'

const tones: Readonly<Record<string, Tone>> = {
  completed: 'good',
  cached: 'good',
  failed: 'bad',
  running: 'busy',
  retrying: 'busy',
  compensating: 'busy',
  cancelled: 'quiet',
  skipped: 'quiet',
  pending: 'quiet',
}

/** A status in a table: always a word, in its colour where there are colours. */
export function statusCell(status: string): string | readonly [string, Tone] {
  const tone = tones[status]
  return tone === undefined ? status : [status, tone]
}
