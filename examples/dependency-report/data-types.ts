/**
 * The vocabulary of the report. Docket feature: **data types**. Each is a name with a schema (any Standard Schema; here
 * zod), and the names are the graph: the step that outputs `Manifest` feeds every step that takes `Manifest`.
 *
 * A data type and the TypeScript type of its values share one name, so `Manifest` can be a step's port and a function's
 * parameter type. Such values are deeply readonly: everybody who takes one takes the same one.
 */
import { dataType, type } from 'docket'
import type { ValueOf } from 'docket'
import { z } from 'zod'
import type { LockEntries } from './lock-entry.ts'

const count = z.number().int().nonnegative()

// ── What comes from outside: the leaf inputs ──────────────────────────────────────────────────────────────────────

const project = z.object({
  folder: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  lockFile: z.string(),
  lockfileVersion: count,
})
/** The examined project. One for the whole batch. */
export const Project = dataType('Project', project)
export type Project = ValueOf<typeof Project>

/** The lock file's entries. Our own code has read and checked them, so `type<T>()` does: a type without a check at run time. */
export const LockFile = dataType('LockFile', type<LockEntries>())

const kind = z.enum(['prod', 'dev', 'optional', 'peer', 'linked', 'extraneous'])
/** One package as the lock file knows it. The batch has one item for each. */
export const LockedPackage = dataType(
  'LockedPackage',
  z.object({
    /** Folder inside the project: `node_modules/a/node_modules/b`. No two packages share one. */
    location: z.string(),
    name: z.string(),
    version: z.string().nullable(),
    /** The name that others import it by, if it is not its own. */
    alias: z.string().nullable(),
    kind,
    /** Whether npm may leave it out: an optional dependency for another platform. */
    mayBeAbsent: z.boolean(),
    declaredLicence: z.string().nullable(),
    notes: z.array(z.string()),
  }),
)
export type LockedPackage = ValueOf<typeof LockedPackage>

// ── Where a package hangs in the tree ─────────────────────────────────────────────────────────────────────────────

const treePosition = z.object({
  /** Steps from the project to the package along the shortest way; 1 for a direct dependency, null if nothing leads there. */
  depth: count.nullable(),
  /** The packages on that way, the package itself left out. */
  path: z.array(z.string()),
  /** Everybody who asks for it, as `name@version`. */
  requiredBy: z.array(z.string()),
})
/** One package's place. */
export const TreePosition = dataType('TreePosition', treePosition)
export type TreePosition = ValueOf<typeof TreePosition>

/** All places by location. */
export const DependencyTree = dataType('DependencyTree', type<ReadonlyMap<string, TreePosition>>())
export type DependencyTree = ValueOf<typeof DependencyTree>

// ── What the disk says about one package ──────────────────────────────────────────────────────────────────────────

const state = z.enum(['installed', 'skipped', 'missing', 'unreadable'])
/** The package's folder. That it is not there is an answer, not a failure. */
export const PackageFolder = dataType(
  'PackageFolder',
  z.object({ path: z.string(), state, problem: z.string().nullable() }),
)
export type PackageFolder = ValueOf<typeof PackageFolder>

/** What we use of a package.json, or why it could not be read. */
export const Manifest = dataType(
  'Manifest',
  z.object({ version: z.string().nullable(), licence: z.string().nullable(), problem: z.string().nullable() }),
)
export type Manifest = ValueOf<typeof Manifest>

const file = z.object({
  path: z.string(),
  bytes: count,
  isLink: z.boolean(),
  /** When its contents last changed, in milliseconds since the epoch. */
  changedAt: z.number(),
})
/** A package's files in the order of their paths, packages nested in it left out. */
export const FileList = dataType('FileList', z.object({ files: z.array(file) }))
export type FileList = ValueOf<typeof FileList>

/** Size and fingerprint of a package's files. */
export const Contents = dataType('Contents', z.object({ bytes: count, files: count, sha256: z.string().length(64) }))
export type Contents = ValueOf<typeof Contents>

/** The beginning of the licence file. Many packages have none: ports take it as `optional`. */
export const LicenceText = dataType('LicenceText', z.object({ file: z.string(), opening: z.string() }))
export type LicenceText = ValueOf<typeof LicenceText>

/** What there is to judge a licence by, and nothing else: equal claims are judged once. */
export const LicenceClaim = dataType(
  'LicenceClaim',
  z.object({ declared: z.string().nullable(), text: z.string().nullable() }),
)
export type LicenceClaim = ValueOf<typeof LicenceClaim>

const licenceCategory = z.enum(['permissive', 'weak copyleft', 'strong copyleft', 'proprietary', 'unknown'])
export type LicenceCategory = z.infer<typeof licenceCategory>

const licence = z.object({ expression: z.string().nullable(), category: licenceCategory })
/** A licence, and what it asks of those who use the package. */
export const Licence = dataType('Licence', licence)
export type Licence = ValueOf<typeof Licence>

const packageFacts = z.object({
  location: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  alias: z.string().nullable(),
  kind,
  state,
  licence,
  licenceFile: z.string().nullable(),
  bytes: count.nullable(),
  files: count.nullable(),
  sha256: z.string().nullable(),
  ...treePosition.shape,
  problem: z.string().nullable(),
  notes: z.array(z.string()),
})
/** All that can be known about one package by looking at it alone. */
export const PackageFacts = dataType('PackageFacts', packageFacts)
export type PackageFacts = ValueOf<typeof PackageFacts>

// ── What only the whole batch can show ────────────────────────────────────────────────────────────────────────────

/** Sizes of all installed packages. Percentiles are by nearest rank: each is the size of some package. */
export const Sizes = dataType(
  'Sizes',
  z.object({ ascending: z.array(count), total: count, median: count, p90: count, max: count }),
)
export type Sizes = ValueOf<typeof Sizes>

const summary = z.object({
  packages: z.object({
    total: count,
    installed: count,
    skipped: count,
    missing: count,
    unreadable: count,
    direct: count,
  }),
  bytes: count,
  files: count,
  deepest: count,
  sizes: z.object({
    median: count,
    p90: count,
    max: count,
    histogram: z.array(z.object({ label: z.string(), packages: count, bytes: count })),
  }),
  licences: z.array(
    z.object({
      category: licenceCategory,
      packages: count,
      expressions: z.array(z.object({ expression: z.string(), packages: count })),
    }),
  ),
  /** Names that are there in several versions. */
  duplicates: z.array(z.object({ name: z.string(), versions: z.array(z.string()), copies: count, bytes: count })),
  /** `name@version` of packages whose copies have different contents. */
  differingCopies: z.array(z.string()),
  problems: z.array(z.object({ location: z.string(), problem: z.string() })),
})
/** The batch as a whole. */
export const Summary = dataType('Summary', summary)
export type Summary = ValueOf<typeof Summary>

const packageRow = packageFacts.extend({
  /** 1 for the largest; equal sizes share a rank. Null without a size, like the next two. */
  rank: count.nullable(),
  /** Percent of the installed packages that are not larger. */
  percentile: z.number().nullable(),
  /** Percent of all bytes. */
  share: z.number().nullable(),
  /** Versions of the same name that are there besides this one. */
  otherVersions: z.array(z.string()),
})
/** One package, and how it compares with the rest. */
export const PackageRow = dataType('PackageRow', packageRow)
export type PackageRow = ValueOf<typeof PackageRow>

/** The target of the whole graph. */
export const Report = dataType('Report', z.object({ project, summary, packages: z.array(packageRow) }))
export type Report = ValueOf<typeof Report>
