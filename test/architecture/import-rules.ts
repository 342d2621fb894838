import type { SourceFile } from './source-file.ts'

/** What files of one part of the house may import. */
interface Rule {
  /** Parts of the house. */
  readonly parts: readonly string[]
  /** Packages and built-ins; `'*'` stands for any. */
  readonly packages: readonly string[]
  /** Packages of which nothing but types may be imported. */
  readonly types?: readonly string[]
}

/** The rooms of `src/core`, each with the ones that it may import besides itself: only leftwards. */
const roomsOfCore: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  values: ['contracts'],
  language: ['contracts', 'values'],
  graph: ['contracts', 'values', 'language'],
  drawn: ['contracts', 'values', 'language', 'graph'],
}
const corePackages = ['node:crypto', 'node:timers', 'node:util']
const coreRoomNames = ['src/core', ...Object.keys(roomsOfCore).map((room) => `src/core/${room}`)]
const coreRooms: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    Object.entries(roomsOfCore).map(([room, others]) => [
      `src/core/${room}`,
      {
        parts: ['src/core', ...[room, ...others].map((name) => `src/core/${name}`)],
        packages: corePackages,
        types: ['@standard-schema/spec'],
      },
    ]),
  ),
  // What stands in `src/core` itself is for every room: errors, durations, checks.
  'src/core': { parts: coreRoomNames, packages: corePackages, types: ['@standard-schema/spec'] },
}

/** The adapters of stores: each knows `core` and what SQL stores share, never another adapter. */
const adapters: Readonly<Record<string, Rule>> = {
  'stores/memory': { parts: [...coreRoomNames, 'stores/sql', 'stores/memory'], packages: [] },
  'stores/sqlite': {
    parts: [...coreRoomNames, 'stores/sql', 'stores/sqlite'],
    packages: ['node:fs', 'node:path', 'node:sqlite'],
  },
  'stores/postgres': {
    parts: [...coreRoomNames, 'stores/sql', 'stores/postgres'],
    packages: ['pg', 'node:crypto', 'node:net'],
  },
  'stores/mysql': {
    parts: [...coreRoomNames, 'stores/sql', 'stores/mysql'],
    packages: ['mysql2', 'mysql2/promise', 'node:crypto', 'node:events', 'node:stream'],
  },
  'stores/redis': {
    parts: [...coreRoomNames, 'stores/sql', 'stores/redis'],
    packages: ['ioredis', 'msgpackr', 'node:async_hooks', 'node:crypto'],
  },
}

/** The adapters of engines: each knows `core` and itself. */
const engines: Readonly<Record<string, Rule>> = {
  'src/engines/bullmq': {
    parts: [...coreRoomNames, 'src/engines/bullmq'],
    packages: ['bullmq', 'ioredis', 'pg', 'node:crypto', 'node:net'],
  },
}

/** The rooms of `src/durable`, each with the ones that it may import besides itself. */
const roomsOfDurable: Readonly<Record<string, readonly string[]>> = {
  engine: ['records', 'ownership', 'context', 'recovery'],
  records: [],
  ownership: ['records'],
  limits: ['records'],
  context: ['records', 'ownership', 'limits'],
  recovery: ['records', 'ownership', 'limits', 'context'],
  mail: ['records', 'ownership', 'context', 'recovery'],
  start: ['records', 'ownership', 'context', 'recovery'],
  why: ['records'],
  transfer: ['records', 'ownership', 'context', 'recovery'],
  schedules: ['records', 'ownership', 'context', 'recovery', 'start'],
}

/** The rooms of `src/runtime`, each with the ones that it may import besides itself, and packages. */
const below = ['environment', 'collections', 'inputs', 'store-access', 'results', 'steps']
const roomsOfRuntime: Readonly<Record<string, { readonly rooms: readonly string[]; readonly packages?: string[] }>> = {
  environment: { rooms: [], packages: ['node:async_hooks', 'node:crypto', 'node:os'] },
  collections: { rooms: [] },
  inputs: { rooms: ['environment', 'collections'] },
  'store-access': { rooms: ['environment', 'collections'] },
  results: { rooms: ['environment', 'collections', 'inputs', 'store-access'] },
  steps: { rooms: ['environment', 'collections', 'inputs'], packages: ['xstate'] },
  kinds: { rooms: ['steps'] },
  execution: { rooms: below },
  batch: { rooms: [...below, 'execution'] },
  actors: { rooms: [...below, 'execution'], packages: ['xstate'] },
}
const machinists = new Set(['execution', 'batch', 'actors'])
const partOfRuntime = (room: string): string => `src/runtime/${room}`
const runtimeRooms: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    Object.entries(roomsOfRuntime).map(([room, { rooms, packages = [] }]) => [
      partOfRuntime(room),
      {
        parts: [
          ...coreRoomNames,
          ...(machinists.has(room) ? ['machines'] : []),
          ...[room, ...rooms].map(partOfRuntime),
        ],
        packages,
        types: ['@standard-schema/spec'],
      },
    ]),
  ),
  // The face: `execute`, `executeBatch`, `streamBatch`, `explain`, `fromGraph`.
  'src/runtime': {
    parts: [...coreRoomNames, 'src/runtime', ...Object.keys(roomsOfRuntime).map(partOfRuntime)],
    packages: ['xstate'],
  },
}

/** Folders whose own files are the face of the rooms in them. */
const halls: readonly string[] = ['src/core', 'src/runtime', 'src/durable']

/** Packages that one of them has besides. */
const packagesOfDurable: Readonly<Record<string, readonly string[]>> = { records: ['node:util'], schedules: ['croner'] }

/** What stands in `src/durable` itself is the face: it may import every room, and no room imports it. */
const partOfRoom = (name: string): string => (name === '' ? 'src/durable' : `src/durable/${name}`)
const durableRooms: Readonly<Record<string, Rule>> = Object.fromEntries(
  [...Object.entries(roomsOfDurable), ['', Object.keys(roomsOfDurable)] as const].map(([room, others]) => {
    const parts = [...coreRoomNames, ...Object.keys(runtimeRooms), ...[room, ...others].map(partOfRoom)]
    return [partOfRoom(room), { parts, packages: [...(packagesOfDurable[room] ?? []), 'xstate'] }]
  }),
)

/**
 * Imports point one way: everything may import `core`; `core` imports nothing (of Node: `crypto` for SHA-256, `util` to tell
 * built-in types apart); only `runtime` brings machines and contracts together; nobody but the user imports an adapter.
 */
const importRules: Readonly<Record<string, Rule>> = {
  ...coreRooms,
  machines: { parts: ['machines'], packages: ['xstate'] },
  ...runtimeRooms,
  ...durableRooms,
  'src/index.ts': {
    parts: [...coreRoomNames, ...Object.keys(runtimeRooms), ...Object.keys(durableRooms)],
    packages: [],
  },
  // A whole docket, in memory.
  'src/testing/kit': {
    parts: [
      ...coreRoomNames,
      ...Object.keys(runtimeRooms),
      ...Object.keys(durableRooms),
      'src/testing/kit',
      'stores/memory',
    ],
    packages: ['node:util', 'node:assert/strict', 'node:perf_hooks', 'node:timers', 'node:timers/promises'],
  },
  'src/testing': {
    parts: [...coreRoomNames, 'src/testing', 'src/testing/kit'],
    packages: ['node:assert/strict', 'node:timers/promises'],
  },
  // Over a docket as users have it, and what core declares.
  // Runs in browsers: it knows nothing of this project but what page and server say to each other.
  'src/inspector/page': {
    parts: ['src/inspector/page', 'src/inspector/protocol.ts', 'src/inspector/fleet-protocol.ts'],
    packages: ['preact', 'preact/hooks'],
  },
  'src/inspector/protocol.ts': { parts: [], packages: [] },
  'src/inspector/fleet-protocol.ts': { parts: [], packages: [] },
  // As above, and what the page shows is read of records; `web-packages.ts` holds all that comes from elsewhere.
  'src/inspector': {
    parts: [
      ...coreRoomNames,
      'src/durable',
      'src/durable/records',
      'src/durable/schedules',
      'src/inspector',
      'src/inspector/protocol.ts',
      'src/inspector/fleet-protocol.ts',
    ],
    packages: [
      'hono',
      '@hono/node-server',
      'ws',
      'esbuild',
      'node:async_hooks',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:path',
      'node:http',
      'node:net',
      'node:perf_hooks',
      'node:stream',
      'node:timers',
    ],
  },
  'src/remote': {
    parts: [...coreRoomNames, 'src/runtime/kinds', 'src/durable', 'src/remote'],
    packages: ['node:crypto', 'node:dns', 'node:http', 'node:https', 'node:net', 'node:stream', 'node:timers/promises'],
  },
  // What a user writes, but for the terminal: it makes dockets and stores, each only when a command needs it.
  'src/cli/commands': {
    parts: [
      ...coreRoomNames,
      'src/cli',
      'src/cli/commands',
      'src/index.ts',
      'src/runtime',
      'src/observers',
      'src/inspector',
      ...Object.keys(adapters),
      ...Object.keys(engines),
    ],
    packages: ['node:fs', 'node:fs/promises', 'node:os', 'node:path'],
  },
  'src/cli': {
    parts: [...coreRoomNames, 'src/cli', 'src/cli/commands', 'src/index.ts', ...Object.keys(adapters)],
    packages: [
      'commander',
      'esbuild',
      'node:child_process',
      'node:fs',
      'node:fs/promises',
      'node:module',
      'node:os',
      'node:path',
      'node:url',
      'node:util',
    ],
  },
  'src/codecs': { parts: [...coreRoomNames, 'src/codecs'], packages: ['node:crypto', 'node:zlib'] },
  'src/observers': { parts: [...coreRoomNames, 'src/observers'], packages: ['*'] },
  'stores/sql': {
    parts: [...coreRoomNames, 'stores/sql'],
    packages: ['node:net', 'node:fs/promises', 'node:path', 'node:crypto'],
  },
  ...adapters,
  ...engines,
  // An example is what a user writes: it knows the package, and nothing of its inside.
  examples: { parts: ['examples'], packages: ['*'] },
  // What makes the site of the documents: a package of its own.
  'docs/site': { parts: ['docs/site'], packages: ['*'] },
  test: {
    parts: [
      ...coreRoomNames,
      'docs/site',
      ...Object.keys(runtimeRooms),
      ...Object.keys(durableRooms),
      'src/testing',
      'src/testing/kit',
      'src/index.ts',
      'src/observers',
      'src/codecs',
      'src/remote',
      'src/cli',
      'src/cli/commands',
      'src/inspector',
      'src/inspector/page',
      'src/inspector/protocol.ts',
      'src/inspector/fleet-protocol.ts',
      'machines',
      'stores/sql',
      ...Object.keys(adapters),
      ...Object.keys(engines),
      'examples',
      'test',
    ],
    packages: ['*'],
  },
}

/** The part of the house that a file belongs to; undefined where no rule is written. */
function partOf(path: string): string | undefined {
  if (!path.includes('/')) return 'test' // configuration at the top
  return Object.keys(importRules).find(
    (part) => path === part || (path.startsWith(`${part}/`) && !isInNoRoom(path, part)),
  )
}

/** In a hall, a folder is a room: one that no rule names is none. */
function isInNoRoom(path: string, part: string): boolean {
  return halls.includes(part) && path.slice(part.length + 1).includes('/')
}

/** What is wrong with a file's imports. */
export function problemsOfImports(file: SourceFile): readonly string[] {
  const part = partOf(file.path)
  if (part === undefined)
    return [`${file.path}: no rule says what it may import; add one to test/architecture/import-rules.ts`]
  const rule = importRules[part]!
  return file.imports.flatMap(({ from, file: target, isTypeOnly }) => {
    if (target === undefined) {
      const known = rule.packages.includes('*') || rule.packages.includes(from)
      return known || (isTypeOnly && rule.types?.includes(from) === true)
        ? []
        : [`${file.path}: ${part} may not import ${from}`]
    }
    const other = partOf(target)
    if (other === undefined || !rule.parts.includes(other)) return [`${file.path}: ${part} may not import ${target}`]
    if (part === 'examples' && exampleOf(file.path) !== exampleOf(target))
      return [`${file.path}: one example may not import another (${target})`]
    return []
  })
}

function exampleOf(path: string): string {
  return path.split('/')[1]!
}

/** Cycles of imports: those that are there at run time; with `andTypes`, those of types alone too. */
export function importCycles(files: readonly SourceFile[], andTypes = false): readonly string[] {
  const importsOf = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap((one) => ((one.isTypeOnly && !andTypes) || one.file === undefined ? [] : [one.file])),
    ]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      cycles.push([...way.slice(way.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const next of importsOf.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return cycles
}
