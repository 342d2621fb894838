import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readOf } from '../core/thrown.ts'

/**
 * Whoever reads a pipe that this process writes to, as far as that can be seen: a process learns by its next write alone that nobody does any more, and Node gives no other way
 * to find out. On Linux `/proc` has who holds which pipe; elsewhere, and of a reader whose process may not be looked at, nothing is known.
 */
export class PipeReader {
  readonly #pipe: string | undefined
  /** Where the reader holds it; undefined where nothing is known. */
  #place: string | undefined

  constructor(fd: number) {
    const pipe = linkAt(`/proc/self/fd/${fd}`)
    this.#pipe = pipe?.startsWith('pipe:') === true ? pipe : undefined
    this.#place = this.#find()
  }

  /** Whether there was one, and there is none any more. */
  get hasLeft(): boolean {
    if (this.#place === undefined) return false
    const link = linkAt(this.#place)
    if (link === this.#pipe) return false
    // Another one may have it by now.
    this.#place = link === unseen ? undefined : this.#find()
    return link !== unseen && this.#place === undefined
  }

  #find(): string | undefined {
    if (this.#pipe === undefined) return undefined
    for (const process of namesIn('/proc')) {
      if (!/^\d+$/.test(process)) continue
      for (const fd of namesIn(`/proc/${process}/fd`)) {
        const place = `/proc/${process}/fd/${fd}`
        if (linkAt(place) === this.#pipe && isForReading(`/proc/${process}/fdinfo/${fd}`)) return place
      }
    }
    return undefined
  }
}

/** In the place of what belongs to somebody else, and is still there. */
const unseen = ''

/** Undefined for what is not there. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    return readOf(error, 'code') === 'EACCES' ? unseen : undefined
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function isForReading(path: string): boolean {
  try {
    const [, flags = '1'] = /^flags:\s*(\d+)$/m.exec(readFileSync(path, 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & 3) === 0
  } catch {
    return false
  }
}
