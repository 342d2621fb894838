import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** What a file of the project holds: text, or anything else as JSON. */
export type FixtureFiles = Readonly<Record<string, unknown>>

/** Makes a project in a folder of its own, which the end of the test removes. Values with `linkTo` become symbolic links. */
export async function fixtureProject(files: FixtureFiles): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dependency-report-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    if (content instanceof LinkTo) await symlink(content.path, target)
    else await writeFile(target, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

/** In the place of a file's content: a symbolic link. */
export class LinkTo {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }
}

/** A lock file of version 3 with these entries. */
export function lockOf(packages: Readonly<Record<string, object>>): object {
  return { name: 'fixture', version: '1.0.0', lockfileVersion: 3, requires: true, packages }
}
