import { z } from 'zod'

const names = z.record(z.string(), z.string()).optional()
const flag = z.boolean().optional()
/** Names of systems or processors; with `!` in front, all but these. */
const platforms = z.array(z.string()).readonly().optional().catch(undefined)
/** The part of a lock file's entry that the report uses. */
export const lockEntry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  /** Where the package comes from; for a link the folder that it points to. */
  resolved: z.union([z.string(), z.boolean()]).optional(),
  link: flag,
  dev: flag,
  optional: flag,
  devOptional: flag,
  peer: flag,
  extraneous: flag,
  os: platforms,
  cpu: platforms,
  hasInstallScript: flag,
  deprecated: z.union([z.string(), z.boolean()]).optional(),
  license: z.unknown().optional(),
  workspaces: z.unknown().optional(),
  dependencies: names,
  devDependencies: names,
  optionalDependencies: names,
  peerDependencies: names,
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: flag })).optional(),
})
/** One entry of the lock file's `packages`. */
export type LockEntry = Readonly<z.infer<typeof lockEntry>>

/** A lock file's `packages`: entries by the package's folder inside the project; the project itself is at ''. */
export type LockEntries = Readonly<Record<string, LockEntry>>

/** What a lock file's entry calls the package: its own name, and the name that it is imported by where that differs. */
export function lockedName(
  location: string,
  entry: LockEntry,
): { readonly name: string; readonly alias: string | null } {
  const imported = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(location)?.[1]
  const folder = imported ?? location.slice(location.lastIndexOf('/') + 1)
  const name = entry.name ?? folder
  return { name, alias: imported === undefined || imported === name ? null : imported }
}

/** `name@version`, how people speak of a package. */
export function packageId({ name, version }: { readonly name: string; readonly version: string | null }): string {
  return version === null ? name : `${name}@${version}`
}
