import { readdirSync, readFileSync } from 'node:fs'

const servers = new Set(['postgres', 'redis-server', 'mysqld', 'mariadbd'])
/** Linux counts processor time in hundredths of a second, whatever the machine. */
const msPerTick = 10

interface Line {
  readonly parent: number
  readonly name: string
  /** Its own, and that of its children that have ended. */
  readonly ticks: number
}

/**
 * Processor time of the database servers that the process above this one has started, in milliseconds; NaN where there is no `/proc`. Unlike time by
 * the clock, it is nearly the same on a busy machine.
 */
export function serverCpuMs(): number {
  const lines = new Map<number, Line>()
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const line = lineOf(entry)
      if (line !== undefined) lines.set(Number(entry), line)
    }
  } catch {
    return Number.NaN
  }
  let ticks = 0
  for (const [pid, line] of lines) if (servers.has(line.name) && isBelow(pid, process.ppid, lines)) ticks += line.ticks
  return ticks * msPerTick
}

function lineOf(pid: string): Line | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0)
    return { parent: Number(fields[1]), name, ticks }
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

function isBelow(pid: number, ancestor: number, lines: ReadonlyMap<number, Line>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = lines.get(at)?.parent)
    if (at === ancestor) return true
  return false
}
