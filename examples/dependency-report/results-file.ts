/** The file in which results outlive the program. Docket features: **stores**, and **observers** that count. */
import { access, constants, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { DocketOptions, ExecutionEvent } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { sqliteStore } from 'docket/stores/sqlite'
import { ProjectProblem, shortReason } from './project-problem.ts'

/** Where results are kept. */
export interface ResultsFile {
  /** Null where nothing outlives the program. */
  readonly path: string | null
  readonly store: DocketOptions['store']
}

/**
 * Finds the file for a project's results: the one that was given, or one among the installed packages, where nothing is committed or
 * published and `npm ci` clears up. Where nothing is installed or nothing may be written, memory does.
 * @throws ProjectProblem when the given file can't be made
 */
export async function resultsFileOf(folder: string, wanted: string | null | undefined): Promise<ResultsFile> {
  if (wanted === null) return { path: null, store: memoryStore() }
  const modules = join(folder, 'node_modules')
  const path = wanted === undefined ? join(modules, '.cache/dependency-report.db') : resolve(wanted)
  try {
    if (wanted === undefined) await access(modules)
    await mkdir(dirname(path), { recursive: true })
    await access(dirname(path), constants.W_OK)
  } catch (error) {
    if (wanted !== undefined) throw new ProjectProblem(`results can't be kept in ${path}: ${shortReason(error)}`)
    return { path: null, store: memoryStore() }
  }
  // `normal`: when the power fails, the last results may be lost. They can be made again.
  return { path, store: sqliteStore({ path, synchronous: 'normal' }) }
}

/** What a start found out anew, and what it knew from the one before. */
export interface Effort {
  /** Packages whose files were read. */
  readonly examined: number
  /** Packages that have not changed since. */
  readonly unchanged: number
}

/** Counts by the events of the step that reads a package's files. */
export class EffortCounter {
  readonly #examined = new Set<number | undefined>()
  readonly #unchanged = new Set<number | undefined>()

  readonly observe = (event: ExecutionEvent): void => {
    if (!('step' in event) || event.step !== 'MeasureContents') return
    if (event.type === 'step.ended' && event.status === 'completed') this.#examined.add(event.item)
    if (event.type === 'step.ended' && event.status === 'cached') this.#unchanged.add(event.item)
  }

  get effort(): Effort {
    return { examined: this.#examined.size, unchanged: this.#unchanged.size }
  }
}
