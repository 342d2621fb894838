import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Process ids of the children of a process. */
export function childrenOf(pid: number): readonly number[] {
  return processes().flatMap(([child, parent]) => (parent === pid ? [child] : []))
}

/** SIGKILL for processes that may have ended already; resolves when they are gone. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  for (const deadline = Date.now() + 5_000; pids.some(isRunning); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`processes ${pids.filter(isRunning).join(', ')} don’t end`)
  }
}

/** Ended, and maybe not yet waited for by anybody, is not running. */
function isRunning(pid: number): boolean {
  if (existsSync('/proc/self/stat')) {
    const [state] = statOf(pid)
    return state !== undefined && state !== 'Z' && state !== 'X'
  }
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Pairs of process and parent. */
function processes(): readonly (readonly [number, number])[] {
  if (existsSync('/proc/self/stat')) {
    const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
    return pids.map((pid) => [pid, Number(statOf(pid)[1])])
  }
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
}

/** State and parent, as Linux tells them after the program's name, which may hold anything. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
