/** Puts together what the steps found out about one package. The bodies of the small steps between reading and counting. */
import type {
  Contents,
  DependencyTree,
  Licence,
  LicenceClaim,
  LicenceText,
  LockedPackage,
  Manifest,
  PackageFacts,
  PackageFolder,
  TreePosition,
} from './data-types.ts'
import { pointsToFile } from './licence.ts'

/** Looks the package up in the tree. */
export function findPosition(locked: LockedPackage, tree: DependencyTree): TreePosition {
  return tree.get(locked.location) ?? { depth: null, path: [], requiredBy: [] }
}

/** What the manifest declares, else the lock file. The text counts only where nothing is declared: so, many claims are equal. */
export function claimLicence(locked: LockedPackage, manifest: Manifest, text: LicenceText | undefined): LicenceClaim {
  const declared = manifest.licence ?? locked.declaredLicence
  const needsText = declared === null || pointsToFile(declared)
  return { declared, text: needsText ? (text?.opening ?? null) : null }
}

/** What is known about one package; `undefined` for what could not be found out. */
export interface Findings {
  readonly locked: LockedPackage
  readonly position: TreePosition
  readonly folder: PackageFolder
  readonly manifest: Manifest
  readonly contents: Contents | undefined
  readonly text: LicenceText | undefined
  readonly licence: Licence
}

/** One record of all findings. */
export function describePackage({
  locked,
  position,
  folder,
  manifest,
  contents,
  text,
  licence,
}: Findings): PackageFacts {
  const { location, name, version, alias, kind } = locked
  return {
    location,
    name,
    version: version ?? manifest.version,
    alias,
    kind,
    state: folder.state,
    licence,
    licenceFile: text?.file ?? null,
    bytes: contents?.bytes ?? null,
    files: contents?.files ?? null,
    sha256: contents?.sha256 ?? null,
    ...position,
    problem: problemOf(locked, folder, manifest, contents),
    notes: locked.notes,
  }
}

function problemOf(
  locked: LockedPackage,
  folder: PackageFolder,
  manifest: Manifest,
  contents: Contents | undefined,
): string | null {
  if (folder.state !== 'installed') return folder.problem
  if (manifest.problem !== null) return manifest.problem
  if (contents === undefined) return "some of its files can't be read"
  const isOther = locked.version !== null && manifest.version !== null && manifest.version !== locked.version
  return isOther ? `version ${manifest.version} is installed instead; run "npm ci"` : null
}
