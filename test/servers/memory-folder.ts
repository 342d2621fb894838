import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const inMemory = '/dev/shm'
const leastBytes = 2 ** 32

/**
 * A fresh folder for a SQLite, in memory where the system has room for that. Kills are survived there as on a disk, and of a commit that waits for the disk
 * an execution takes three times the processor time, and more than three times as long. The caller removes it.
 */
export function memoryFolder(name: string): string {
  return mkdtempSync(join(hasRoom() ? inMemory : tmpdir(), `docket-${name}-`))
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(inMemory)
    return bavail * bsize >= leastBytes && process.availableMemory() >= leastBytes
  } catch {
    return false
  }
}
