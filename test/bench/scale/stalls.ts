import { serverCpuMs } from './server-cpu.ts'

const everyMs = 2

/** How long the event loop stood still at most: by the clock, and by what this thread itself computed meanwhile. */
export interface Stall {
  /** With a machine that others use too, it has their share in it. */
  readonly wallMs: number
  readonly cpuMs: number
  /** What this thread computed in all. */
  readonly totalCpuMs: number
  /** What the database servers computed in all. */
  readonly serverCpuMs: number
}

/** Looks at the event loop while something goes on. */
export async function stallDuring<T>(work: () => Promise<T>): Promise<{ value: T; stall: Stall; ms: number }> {
  let wallMs = 0
  let cpuMs = 0
  let at = performance.now()
  let used = process.threadCpuUsage()
  const first = used
  const look = (): void => {
    const now = performance.now()
    const { user, system } = process.threadCpuUsage()
    wallMs = Math.max(wallMs, now - at - everyMs)
    cpuMs = Math.max(cpuMs, (user + system - used.user - used.system) / 1_000)
    at = now
    used = { user, system }
  }
  const timer = setInterval(look, everyMs)
  const served = serverCpuMs()
  const start = performance.now()
  try {
    const value = await work()
    look()
    const totalCpuMs = (used.user + used.system - first.user - first.system) / 1_000
    const ms = performance.now() - start
    return { value, stall: { wallMs, cpuMs, totalCpuMs, serverCpuMs: serverCpuMs() - served }, ms }
  } finally {
    clearInterval(timer)
  }
}
