/** Which package needs which: follows the names in a lock file's entries to the folders that Node would find them in. */
import type { DependencyTree, TreePosition } from './data-types.ts'
import { lockedName, packageId } from './lock-entry.ts'
import type { LockEntries, LockEntry } from './lock-entry.ts'

/** Shortest way, depth and users of every package. Cycles do no harm: each package is visited once. */
export function traceTree(entries: LockEntries): DependencyTree {
  const edges = new Map(Object.keys(entries).map((location) => [location, dependenciesOf(location, entries)]))
  const cameFrom = new Map<string, string>()
  const reached = new Set([''])
  // A set is walked in the order in which it grows: breadth first.
  for (const location of reached) {
    for (const dependency of edges.get(location) ?? []) {
      if (!reached.has(dependency)) cameFrom.set(dependency, location)
      reached.add(dependency)
    }
  }
  const users = new Map<string, string[]>()
  for (const [location, dependencies] of edges) {
    for (const dependency of dependencies) users.set(dependency, [...(users.get(dependency) ?? []), location])
  }
  const idOf = (location: string): string => {
    const entry = entries[location]!
    const name = location === '' ? (entry.name ?? 'this project') : lockedName(location, entry).name
    return packageId({ name, version: entry.version ?? null })
  }
  return new Map(
    Object.keys(entries).map((location): [string, TreePosition] => {
      const path = pathTo(location, cameFrom)
      return [
        location,
        {
          depth: reached.has(location) ? path.length + (location === '' ? 0 : 1) : null,
          path: path.map(idOf),
          requiredBy: [...new Set((users.get(location) ?? []).map(idOf))],
        },
      ]
    }),
  )
}

/** The packages between the project and a package, nearest to the project first. */
function pathTo(location: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const path: string[] = []
  for (let user = cameFrom.get(location); user !== undefined && user !== ''; user = cameFrom.get(user)) path.push(user)
  return path.toReversed()
}

function dependenciesOf(location: string, entries: LockEntries): readonly string[] {
  const entry = entries[location]!
  const isOwnCode = !location.includes('node_modules/')
  const names = new Set([
    ...Object.keys(entry.dependencies ?? {}),
    ...Object.keys(entry.optionalDependencies ?? {}),
    // npm installs peers for those who ask, unless they say that they can do without.
    ...Object.keys(entry.peerDependencies ?? {}).filter(
      (name) => entry.peerDependenciesMeta?.[name]?.optional !== true,
    ),
    ...(isOwnCode ? Object.keys(entry.devDependencies ?? {}) : []),
  ])
  const found = [...names].map((name) => findDependency(location, name, entries))
  const workspaces = location === '' && entry.workspaces !== undefined ? linkTargets(entries) : []
  return [...new Set([...found, ...workspaces])].flatMap((dependency) =>
    dependency === undefined || dependency === '' ? [] : [dependency],
  )
}

/** Looks where Node looks: in the package's own node_modules, then in those of the folders above. */
export function findDependency(from: string, name: string, entries: LockEntries): string | undefined {
  const folders = from === '' ? [] : from.split('/')
  for (let depth = folders.length; depth >= 0; depth--) {
    if (folders[depth - 1] === 'node_modules') continue
    const location = [...folders.slice(0, depth), 'node_modules', name].join('/')
    const entry = entries[location]
    if (entry !== undefined) return linkTarget(location, entry, entries)
  }
  return undefined
}

function linkTarget(location: string, entry: LockEntry, entries: LockEntries): string {
  return entry.link === true && typeof entry.resolved === 'string' && entry.resolved in entries
    ? entry.resolved
    : location
}

/** A workspace is a direct dependency of its project, whether anything asks for it or not. */
function linkTargets(entries: LockEntries): readonly string[] {
  return Object.entries(entries).flatMap(([location, entry]) =>
    entry.link === true ? [linkTarget(location, entry, entries)] : [],
  )
}
