/** Whether there is anything to examine: said once, instead of once for each package. No Docket in here. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LockedProject } from './lock-file.ts'
import { ProjectProblem, systemCode } from './project-problem.ts'

/** @throws ProjectProblem when the lock file names packages to install, and none of them is there */
export async function requireInstalled({ project: { folder }, packages }: LockedProject): Promise<void> {
  const needed = packages.filter(({ location, mayBeAbsent }) => !mayBeAbsent && location.startsWith('node_modules/'))
  for (const { location } of needed) {
    const isThere = await stat(join(folder, location)).then(
      () => true,
      (error: unknown) => systemCode(error) !== 'ENOENT',
    )
    if (isThere) return
  }
  if (needed.length > 0) throw new ProjectProblem(`${folder} is not installed; run "npm ci" there first`)
}
