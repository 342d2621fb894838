/**
 * Reads npm's lock file: it says which packages there are, so it is read before there is a batch. No Docket in here, just
 * functions; `main.ts` makes the batch's items and its shared inputs of what they return.
 */
import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import type { LockedPackage, Project } from './data-types.ts'
import { declaredLicence } from './licence.ts'
import { lockEntry, lockedName } from './lock-entry.ts'
import type { LockEntries, LockEntry } from './lock-entry.ts'
import { ProjectProblem, shortReason, systemCode } from './project-problem.ts'

const lockFile = z.object({
  name: z.string().optional(),
  lockfileVersion: z.number().int(),
  packages: z.record(z.string(), lockEntry),
})

/** A project's lock file, ready for the batch. */
export interface LockedProject {
  readonly project: Project
  readonly packages: readonly LockedPackage[]
  readonly entries: LockEntries
}

/**
 * Reads the lock file in a project's folder.
 * @throws ProjectProblem when there is none, or none that can be understood
 */
export async function readLockedProject(path: string): Promise<LockedProject> {
  const folder = resolve(path)
  const file = await findLockFile(folder)
  const { name, lockfileVersion, packages } = parseLockFile(file, await readText(join(folder, file)))
  const root = packages['']
  return {
    project: {
      folder,
      name: root?.name ?? name ?? basename(folder),
      version: root?.version ?? null,
      lockFile: file,
      lockfileVersion,
    },
    packages: Object.entries(packages).flatMap(([location, entry]) => lockedPackage(location, entry, packages)),
    entries: packages,
  }
}

/** npm's own order: a shrinkwrap wins over a lock file. */
const lockFileNames = ['npm-shrinkwrap.json', 'package-lock.json']
const otherLockFiles = ['pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb']

async function findLockFile(folder: string): Promise<string> {
  const present = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT')
      throw new ProjectProblem(`${folder} does not exist; give the folder of an npm project`)
    if (systemCode(error) === 'ENOTDIR')
      throw new ProjectProblem(`${folder} is a file; give its folder: ${dirname(folder)}`)
    throw new ProjectProblem(`${folder} can't be read: ${shortReason(error)}`)
  })
  const found = lockFileNames.find((name) => present.includes(name))
  if (found !== undefined) return found
  const other = otherLockFiles.find((name) => present.includes(name))
  if (other !== undefined)
    throw new ProjectProblem(`${folder} has a ${other}, but this example reads npm's package-lock.json only`)
  if (!present.includes('package.json'))
    throw new ProjectProblem(`${folder} has no package.json; give the folder of an npm project`)
  throw new ProjectProblem(
    `${folder} has no package-lock.json; run "npm install --package-lock-only" there to make one`,
  )
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(async (error: unknown) => {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    )
    throw new ProjectProblem(`${path} can't be read: ${isFolder ? 'it is a folder' : shortReason(error)}`)
  })
}

/** Understands the text of a lock file. @throws ProjectProblem */
export function parseLockFile(file: string, text: string): z.infer<typeof lockFile> {
  const remedy = 'restore it, or delete it and run "npm install"'
  if (/^<{7} /m.test(text))
    throw new ProjectProblem(`${file} has merge conflict markers; run "npm install" to resolve them`)
  let json: unknown
  try {
    // Editors on Windows may put a byte order mark in front, which npm accepts.
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new ProjectProblem(`${file} is not valid JSON (${shortReason(error)}); ${remedy}`, { cause: error })
  }
  const version = z.object({ lockfileVersion: z.number() }).safeParse(json).data?.lockfileVersion
  if (version !== undefined && version !== 2 && version !== 3) {
    throw new ProjectProblem(
      `${file} has lockfileVersion ${version}, and only 2 and 3 are supported; run "npm install --package-lock-only --lockfile-version 3" to convert it`,
    )
  }
  const parsed = lockFile.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new ProjectProblem(`${file} is malformed at ${placeOf(issue.path)}: ${issue.message}; ${remedy}`)
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.length === 0
    ? 'its top'
    : path.map((key, depth) => (depth === 0 ? String(key) : `[${JSON.stringify(key)}]`)).join('')
}

/** The batch's item for an entry; none for the project itself and for links, which stand for the folder they point to. */
function lockedPackage(location: string, entry: LockEntry, all: LockEntries): readonly LockedPackage[] {
  if (location === '') return []
  const target = entry.link === true && typeof entry.resolved === 'string' ? entry.resolved : undefined
  if (target !== undefined && target in all) return []
  const { name, alias } = lockedName(location, entry)
  return [
    {
      location,
      name,
      version: entry.version ?? null,
      alias,
      kind: kindOf(location, entry),
      mayBeAbsent: entry.optional === true || entry.devOptional === true || !suitsThisMachine(entry),
      declaredLicence: declaredLicence(entry),
      notes: [
        ...(entry.deprecated === undefined || entry.deprecated === false ? [] : [`deprecated: ${entry.deprecated}`]),
        ...(entry.hasInstallScript === true ? ['has an install script'] : []),
      ],
    },
  ]
}

/** npm leaves out what is for other systems or processors. */
function suitsThisMachine({ os, cpu }: LockEntry): boolean {
  return suits(process.platform, os) && suits(process.arch, cpu)
}

function suits(here: string, names: readonly string[] = []): boolean {
  if (names.includes(`!${here}`)) return false
  return names.every((name) => name.startsWith('!') || name === 'any') || names.includes(here)
}

function kindOf(location: string, entry: LockEntry): LockedPackage['kind'] {
  if (entry.extraneous === true) return 'extraneous'
  if (entry.link === true || !/(?:^|\/)node_modules\//.test(location)) return 'linked'
  if (entry.dev === true) return 'dev'
  if (entry.optional === true || entry.devOptional === true) return 'optional'
  return entry.peer === true ? 'peer' : 'prod'
}
