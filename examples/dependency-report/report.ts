/**
 * From facts about each package to one report. Docket features: **`all(T)`**, a **combine step**, the **graph** itself,
 * **`createDocket`**, **`startBatch`** with shared inputs, and **`explain`**.
 */
import { all, createDocket, explain, graph, step } from 'docket'
import type { Docket, DocketOptions, Observer } from 'docket'
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

/** A second barrier: the rows become one report. It is kept for this batch, once, and not with each of the items. */
const writeReportStep = step({
  name: 'WriteReport',
  persist: 'execution',
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

/** Is given the docket before anything runs; what it gives is called with the report, and the docket is closed once that is done. */
export type Inspecting = (docket: Docket) => Promise<(report: Report) => Promise<void>>

/** How a project is examined. */
export interface ExamineOptions {
  /** Where results are kept for the next time; it is closed afterwards. */
  readonly store: DocketOptions['store']
  readonly observers?: readonly Observer[]
  /** Shows the docket while it works. @default nobody looks */
  readonly inspect?: Inspecting | undefined
  /** Stops in the middle: what is done is kept. */
  readonly signal?: AbortSignal
}

/** Examines all packages of a project. What the store knows of an unchanged package is not found out again. */
export async function examine(
  { project, packages, entries }: LockedProject,
  { store, observers = [], inspect, ...options }: ExamineOptions,
): Promise<Report> {
  // An interrupted batch is not gone on with as such: the packages may have changed. Its results are found by the next one.
  await using docket = createDocket({ graphs: [dependencyReport], store, observers, takeOver: false })
  const abandoned = await docket.list({ status: ['pending', 'running'], before: new Date(Date.now() - aDayMs) })
  for (const { id } of abandoned.executions) await docket.delete(id)

  const done = await inspect?.(docket)
  const items = packages.map((one) => ({ LockedPackage: one }))
  const shared = { Project: project, LockFile: entries }
  const batch = await docket.startBatch(dependencyReport, Report, items, { shared, ...options })
  try {
    const reports = await batch.result()
    // The report is shared, so each item has the same one; a project without packages has no item.
    const report = reports[0] ?? emptyReport(project)
    await done?.(report)
    return report
  } finally {
    await docket.delete(batch.id)
  }
}

const aDayMs = 24 * 60 * 60 * 1000

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
