/**
 * From facts about each package to one report. Docket features: **`all(T)`**, a **combine step**, the **graph** itself,
 * **`executeBatch`** with shared inputs, and **`explain`**.
 */
import { all, executeBatch, explain, graph, step } from 'docket'
import type { Observer } from 'docket'
import { sortSizes, summarise } from './aggregate.ts'
import {
  DependencyTree,
  LockedPackage,
  LockFile,
  PackageFacts,
  PackageRow,
  Project,
  Report,
  Sizes,
  Summary,
} from './data-types.ts'
import { traceTree } from './dependency-tree.ts'
import type { LockedProject } from './lock-file.ts'
import { packageSteps } from './package-steps.ts'
import { rankPackage, writeReport } from './rank.ts'

/** It takes nothing of an item, only what is given once for all. So it runs **once for the batch**. */
const traceTreeStep = step({
  name: 'TraceTree',
  inputs: { lockFile: LockFile },
  output: DependencyTree,
  run: ({ lockFile }) => traceTree(lockFile),
})

/** **`all(T)`**: a barrier. The step waits for the facts of all items and runs once; what it makes is shared by all. */
const sortSizesStep = step({
  name: 'SortSizes',
  inputs: { packages: all(PackageFacts) },
  output: Sizes,
  run: ({ packages }) => sortSizes(packages),
})

/** Beside `all(T)` a step takes only what is shared: leaf inputs given once, or what such a step made, like `sizes`. */
const summariseStep = step({
  name: 'Summarise',
  inputs: { packages: all(PackageFacts), sizes: Sizes },
  output: Summary,
  run: ({ packages, sizes }) => summarise(packages, sizes),
})

/** **Combine**: again once per item, with the item's own facts and what the whole batch has in common. */
const rankPackageStep = step({
  name: 'RankPackage',
  inputs: { facts: PackageFacts, sizes: Sizes, summary: Summary },
  output: PackageRow,
  run: ({ facts, sizes, summary }) => rankPackage(facts, sizes, summary),
})

/** A second barrier: the rows become one report. */
const writeReportStep = step({
  name: 'WriteReport',
  inputs: { project: Project, summary: Summary, rows: all(PackageRow) },
  output: Report,
  run: ({ project, summary, rows }) => writeReport(project, summary, rows),
})

/**
 * **The graph.** Steps in any order; the types connect them. `inputs` names the leaves on purpose: a type that nobody
 * produces is then an error at the very step that needs it, in the editor.
 */
const dependencyReport = graph({
  name: 'dependency-report',
  inputs: [Project, LockFile, LockedPackage],
  steps: [traceTreeStep, ...packageSteps, sortSizesStep, summariseStep, rankPackageStep, writeReportStep],
})

/** Examines all packages of a project. */
export async function examine(locked: LockedProject, observers: readonly Observer[] = []): Promise<Report> {
  const { project, packages, entries } = locked
  const reports = await executeBatch(
    dependencyReport,
    Report,
    packages.map((one) => ({ LockedPackage: one })),
    { shared: { Project: project, LockFile: entries }, observers },
  )
  // The report is shared, so each item has the same one; a project without packages has no item.
  return reports[0] ?? emptyReport(project)
}

function emptyReport(project: Project): Report {
  return writeReport(project, summarise([], sortSizes([])), [])
}

/** **Explain**: what would run for a package of the project, as a Mermaid diagram. Nothing runs. */
export function planAsMermaid({ project, packages: [first], entries }: LockedProject): string {
  const leaves = { Project: project, LockFile: entries }
  return explain(
    dependencyReport,
    Report,
    first === undefined ? leaves : { ...leaves, LockedPackage: first },
  ).toMermaid()
}
