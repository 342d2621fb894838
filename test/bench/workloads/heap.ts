import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Workload } from './workload.ts'

/** How much memory a long stream takes: in a process of its own, whose heap holds nothing else. */
export const heap: Workload = {
  name: 'heap',
  title: 'memory of a streamed batch × 3 steps',
  measure: async (_, { isQuick }) => {
    const count = isQuick ? 100_000 : 1_000_000
    const script = join(import.meta.dirname, 'heap-child.ts')
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', script, String(count)], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`the process that streams ${count} items failed:\n${stderr}`)
    const { peakMb, liveMb, seconds } = JSON.parse(stdout) as { peakMb: number; liveMb: number; seconds: number }
    const notes = [
      `peak heap over the start: ${peakMb.toFixed(1)} MB with garbage not yet collected, ${liveMb.toFixed(1)} MB alive`,
      `${count} items in ${seconds.toFixed(1)} s`,
    ]
    return {
      name: 'heap',
      title: `${count} items: ${heap.title}`,
      series: [],
      notes,
      figures: { peakMb, liveMb, seconds },
    }
  },
}
