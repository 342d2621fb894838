/**
 * Looks at one package on the disk: is it there, what does its manifest say, which files, which bytes. Each function is the
 * body of a step in `report.ts`. They take a `signal` where a wait can be long, so that nothing goes on reading after the
 * report was given up.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, constants, lstat, readFile, readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Contents, FileList, LicenceText, LockedPackage, Manifest, PackageFolder, Project } from './data-types.ts'
import { declaredLicence, licenceFileOf } from './licence.ts'
import { shortReason, systemCode } from './project-problem.ts'

/** Looks whether the package is where the lock file says. That it is not there is an answer, not a failure. */
export async function findFolder(locked: LockedPackage, project: Project): Promise<PackageFolder> {
  const path = join(project.folder, locked.location)
  try {
    // Neither opens the folder, so a shortage of file handles begins later, where it can be waited out.
    const found = await stat(path)
    if (!found.isDirectory()) return { path, state: 'unreadable', problem: 'it is not a folder; run "npm ci"' }
    await access(path, constants.R_OK | constants.X_OK)
    return { path, state: 'installed', problem: null }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    if (locked.mayBeAbsent) return { path, state: 'skipped', problem: null }
    return { path, state: 'missing', problem: 'not installed; run "npm ci"' }
  }
}

/** Stands in for a folder that can't be looked at, and says why. */
export function unreadableFolder(error: unknown, locked: LockedPackage, project: Project): PackageFolder {
  const path = join(project.folder, locked.location)
  return { path, state: 'unreadable', problem: `folder can't be read: ${shortReason(error)}` }
}

const packageJson = z.object({
  version: z.string().optional().catch(undefined),
  license: z.unknown().optional(),
  licenses: z.unknown().optional(),
})

/** Reads the package's package.json. */
export async function readManifest(folder: PackageFolder, signal: AbortSignal): Promise<Manifest> {
  const text = await readFile(join(folder.path, 'package.json'), { encoding: 'utf8', signal })
  const found = packageJson.parse(JSON.parse(text.replace(/^\uFEFF/, '')))
  return { version: found.version ?? null, licence: declaredLicence(found), problem: null }
}

/** Stands in for a manifest that can't be read, and says why. */
export function unreadableManifest(error: unknown): Manifest {
  const reason =
    error instanceof SyntaxError
      ? 'it is not valid JSON'
      : error instanceof z.ZodError
        ? 'it is not an object'
        : shortReason(error)
  return { version: null, licence: null, problem: `package.json can't be read: ${reason}` }
}

/** All files of a package, sorted by path. Links are files, not followed; nested packages are counted on their own. */
export async function listFiles(folder: PackageFolder, signal: AbortSignal): Promise<FileList> {
  const files: FileList['files'][number][] = []
  const visit = async (inside: string): Promise<void> => {
    signal.throwIfAborted()
    const entries = await readdir(join(folder.path, inside), { withFileTypes: true })
    await Promise.all(
      entries.map(async (entry) => {
        const path = inside === '' ? entry.name : `${inside}/${entry.name}`
        if (entry.isDirectory()) return path === 'node_modules' || path === '.git' ? undefined : visit(path)
        if (!entry.isFile() && !entry.isSymbolicLink()) return undefined
        const { size, mtimeMs } = await lstat(join(folder.path, path))
        files.push({ path, bytes: size, isLink: entry.isSymbolicLink(), changedAt: mtimeMs })
        return undefined
      }),
    )
  }
  await visit('')
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

/** Files up to this size are read at once: a stream would cost more than the reading. */
const streamAboveBytes = 1_000_000

/** Adds up a package's files and takes one SHA-256 of all: of `<path>\0<bytes>\0<contents>` of each, in the list's order. */
export async function measureContents(
  folder: PackageFolder,
  { files }: FileList,
  signal: AbortSignal,
): Promise<Contents> {
  const hash = createHash('sha256')
  let bytes = 0
  for (const file of files) {
    const path = join(folder.path, file.path)
    bytes += file.bytes
    hash.update(`${file.path}\0${file.bytes}\0`)
    if (file.isLink) hash.update(await readlink(path))
    else if (file.bytes <= streamAboveBytes) hash.update(await readFile(path, { signal }))
    else
      for await (const chunk of createReadStream(path, { signal, highWaterMark: streamAboveBytes }))
        hash.update(chunk as Buffer)
  }
  return { bytes, files: files.length, sha256: hash.digest('hex') }
}

const licenceFileName = /^(?:un)?(?:licen[cs]e|copying)(?:[-_.].*)?$/i

/** As much of a licence as it takes to know it. */
const openingLength = 4_000

/** Reads the licence file: the one that the manifest names, or one with a name that such files have. Throws when there is none. */
export async function readLicenceText(
  folder: PackageFolder,
  manifest: Manifest,
  { files }: FileList,
  signal: AbortSignal,
): Promise<LicenceText> {
  const named = manifest.licence === null ? undefined : licenceFileOf(manifest.licence)
  const found = files.find(({ path }) => path === named) ?? files.find(({ path }) => licenceFileName.test(path))
  if (found === undefined) throw new Error('there is no licence file')
  const text = await readFile(join(folder.path, found.path), { encoding: 'utf8', signal })
  return { file: found.path, opening: text.slice(0, openingLength) }
}
