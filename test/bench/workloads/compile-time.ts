import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Result, Workload } from './workload.ts'

const script = join(import.meta.dirname, '../compile-time/run.ts')

/** How long the compiler needs for typed graphs: measured by a script of its own, whose table is told as it is. */
export const compileTime: Workload = {
  name: 'compile-time',
  title: 'compile time of typed graphs',
  measure: async (_, { isQuick }) => {
    if (!existsSync(script)) return told(['test/bench/compile-time/run.ts is not there'])
    // Its argument is how often each program is compiled; it takes minutes, so its complaints are seen as they come.
    const { stdout, status } = spawnSync(process.execPath, isQuick ? [script, '1'] : [script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = stdout.trimEnd().split('\n')
    return told(status === 0 ? lines : [...lines, `failed with status ${status}`])
  },
}

function told(notes: readonly string[]): Result {
  return { name: 'compile-time', title: compileTime.title, series: [], notes }
}
