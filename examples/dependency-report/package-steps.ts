/**
 * The steps that look at one package. Docket features: **steps** with typed ports, **retry**, **fallback**, **`optional`**,
 * **`concurrency`** and **`persist`**. In a batch each runs once per item. Nobody draws edges: `MeasureContents` comes after
 * `ListFiles` because it takes what that makes; `ReadManifest` takes neither, so it runs at the same time.
 */
import { exponential, optional, step } from 'docket'
import type { RetryPolicy } from 'docket'
import {
  Contents,
  DependencyTree,
  FileList,
  Licence,
  LicenceClaim,
  LicenceText,
  LockedPackage,
  Manifest,
  PackageFacts,
  PackageFolder,
  Project,
  TreePosition,
} from './data-types.ts'
import { claimLicence, describePackage, findPosition } from './describe-package.ts'
import { classifyLicence } from './licence.ts'
import {
  findFolder,
  listFiles,
  measureContents,
  readLicenceText,
  readManifest,
  unreadableFolder,
  unreadableManifest,
} from './measure.ts'
import { isTransient } from './project-problem.ts'

/** **Retry**: too many open files is over in a moment, a file that isn't there stays away. So only the first is tried again. */
const whenBusy: RetryPolicy = {
  maxAttempts: 6,
  backoff: exponential('20ms', { jitter: 0.5, max: '1s' }),
  retryIf: isTransient,
}

/** **Fallback**: what can't be looked at becomes a value that says why, and the package still gets its row. */
const findFolderStep = step({
  name: 'FindFolder',
  inputs: { locked: LockedPackage, project: Project },
  output: PackageFolder,
  retry: whenBusy,
  fallback: (error, { locked, project }) => unreadableFolder(error, locked, project),
  run: ({ locked, project }) => findFolder(locked, project),
})

/** The same for a manifest that is missing or broken. */
const readManifestStep = step({
  name: 'ReadManifest',
  inputs: { folder: PackageFolder },
  output: Manifest,
  retry: whenBusy,
  fallback: (error) => unreadableManifest(error),
  run: ({ folder }, { signal }) => readManifest(folder, signal),
})

const listFilesStep = step({
  name: 'ListFiles',
  inputs: { folder: PackageFolder },
  output: FileList,
  retry: whenBusy,
  run: ({ folder }, { signal }) => listFiles(folder, signal),
})

/**
 * **Concurrency**: a hundred packages are on their way at once, but only eight of them read their files.
 *
 * **Persistence**: this is the step that takes the time, so its result is kept in a file, and a later `npm start` finds it there. Its inputs
 * are the folder and each file's path, size and time: whatever changes a file changes the key, and the package is examined again. So does make.
 */
const measureContentsStep = step({
  name: 'MeasureContents',
  inputs: { folder: PackageFolder, list: FileList },
  output: Contents,
  persist: { scope: 'global', ttl: '720h' },
  version: 1,
  concurrency: 8,
  retry: whenBusy,
  run: ({ folder, list }, { signal }) => measureContents(folder, list, signal),
})

const readLicenceTextStep = step({
  name: 'ReadLicenceText',
  inputs: { folder: PackageFolder, manifest: Manifest, list: FileList },
  output: LicenceText,
  concurrency: 8,
  retry: whenBusy,
  run: ({ folder, manifest, list }, { signal }) => readLicenceText(folder, manifest, list, signal),
})

/** **Optional**: without a licence file `ReadLicenceText` fails, and `text` is undefined here; nothing else happens. */
const claimLicenceStep = step({
  name: 'ClaimLicence',
  inputs: { locked: LockedPackage, manifest: Manifest, text: optional(LicenceText) },
  output: LicenceClaim,
  run: ({ locked, manifest, text }) => claimLicence(locked, manifest, text),
})

/**
 * **Caching**: the same policy for another reason. The claim is without the package's name, so each distinct claim is judged once,
 * and packages that ask at the same moment share one run. The `version` is part of the key: raise it when the rules change.
 */
const classifyLicenceStep = step({
  name: 'ClassifyLicence',
  inputs: { claim: LicenceClaim },
  output: Licence,
  persist: { scope: 'global', ttl: '720h' },
  version: 1,
  run: ({ claim }) => classifyLicence(claim),
})

/** A port may take what is **shared** (`tree` is there once for the whole batch) beside the item's own. */
const findPositionStep = step({
  name: 'FindPosition',
  inputs: { locked: LockedPackage, tree: DependencyTree },
  output: TreePosition,
  run: ({ locked, tree }) => findPosition(locked, tree),
})

const describePackageStep = step({
  name: 'DescribePackage',
  inputs: {
    locked: LockedPackage,
    position: TreePosition,
    folder: PackageFolder,
    manifest: Manifest,
    contents: optional(Contents),
    text: optional(LicenceText),
    licence: Licence,
  },
  output: PackageFacts,
  run: (findings) => describePackage(findings),
})

/** Everything from the lock file's entry to the facts about one package. */
export const packageSteps = [
  findFolderStep,
  readManifestStep,
  listFilesStep,
  measureContentsStep,
  readLicenceTextStep,
  claimLicenceStep,
  classifyLicenceStep,
  findPositionStep,
  describePackageStep,
] as const
