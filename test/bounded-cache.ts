import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const mostBytes = 100_000_000

/**
 * Forgets what Node has compiled for former runs, once that is much: each test file has another name in each run (`?vitest=…`), under which it is never
 * found again, and Node removes nothing.
 */
export function setup(): void {
  const folder = process.env['NODE_COMPILE_CACHE']
  // One that somebody else has chosen is not for the tests alone.
  if (folder === join(import.meta.dirname, '../node_modules/.cache/compiled') && bytesIn(folder) > mostBytes)
    rmSync(folder, { recursive: true, force: true })
}

function bytesIn(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
  } catch {
    return 0
  }
}
