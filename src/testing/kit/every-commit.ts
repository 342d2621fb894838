import { isDeepStrictEqual, inspect } from 'node:util'
import { OptionError } from '../../core/errors.ts'
import { describe } from '../../core/check-options.ts'
import { isRecord } from '../../core/is-record.ts'
import { testDocketOf } from './test-docket.ts'
import type { TestDocket, TestDocketOptions } from './test-docket.ts'

/** What `atEveryCommit` takes besides a test docket's options. */
export interface EveryCommitOptions extends TestDocketOptions {
  /** The most commits that are tried, the first ones. @default all */
  readonly limit?: number | undefined
}

/** What `atEveryCommit` has tried. */
export interface TriedCommits {
  /** What each commit of a run without a crash wrote, for people. */
  readonly commits: readonly string[]
  /** How many runs with a crash there were. */
  readonly crashes: number
}

/** How a run ended: what the scenario returned or threw, and what is in the store. */
interface End {
  readonly outcome: unknown
  readonly executions: readonly unknown[]
}

interface Crash {
  readonly commit: number
  readonly when: 'before' | 'after'
}

/**
 * Runs a scenario without a crash, and then once for each commit that it makes with a crash right before it, and right after it, before the answer
 * comes. After the crash another process goes on, and so do the scenario's open calls and handles. All must end alike: by what the scenario
 * returns (or throws), and by target, status and value of all executions. Make what a run counts, or keeps, inside of the scenario: it is called once
 * for each run, with a docket of its own. An assertion of it that fails without a crash is thrown as it is. What a step does outside may happen twice where the process dies before the step's result is committed; return what must not.
 *
 * @example
 * await atEveryCommit({ graphs: [trips] }, async (docket) => {
 *   const trip = await docket.start(trips, Trip, { Traveller: 'Ada' }, { id: 'trip' })
 *   await trip.result()
 * })
 * @throws (as rejection) Error for the first crash after which it ends otherwise, with both ends; OptionError
 */
export async function atEveryCommit(
  options: EveryCommitOptions,
  scenario: (docket: TestDocket) => Promise<unknown>,
): Promise<TriedCommits> {
  if (!isRecord(options)) throw new OptionError(`atEveryCommit: options must be an object, not ${describe(options)}`)
  const { limit = Infinity, ...docketOptions } = options
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit > 0))
    throw new OptionError(`atEveryCommit: limit must be a whole number from 1 on, not ${describe(limit)}`)
  if (typeof scenario !== 'function')
    throw new OptionError(`atEveryCommit: the scenario must be a function of a docket, not ${describe(scenario)}`)
  const calm = await run(docketOptions, scenario, undefined)
  let crashes = 0
  for (let commit = 1; commit <= Math.min(calm.commits.length, limit); commit++)
    for (const when of ['before', 'after'] as const) {
      const { end } = await run(docketOptions, scenario, { commit, when })
      crashes++
      if (isDeepStrictEqual(end, calm.end)) continue
      throw new Error(
        `it ends otherwise where the process dies right ${when} commit ${commit} of ${calm.commits.length} (${calm.commits[commit - 1]}):\n` +
          `without a crash: ${shown(calm.end)}\nwith it:         ${shown(end)}`,
      )
    }
  return { commits: calm.commits, crashes }
}

async function run(
  options: TestDocketOptions,
  scenario: (docket: TestDocket) => Promise<unknown>,
  crash: Crash | undefined,
): Promise<{ readonly end: End; readonly commits: readonly string[] }> {
  const commits: string[] = []
  const docket = testDocketOf(options, async (write, method, given) => {
    commits.push(contentOf(method, given))
    if (crash === undefined || commits.length !== crash.commit) return write()
    if (crash.when === 'after') await write()
    docket.die()
    return new Promise(() => {})
  })
  try {
    const outcome = await (async () => scenario(docket))().then(
      (value) => ({ returned: value }),
      (error: unknown) => {
        // It would fail alike after each crash, and nobody would hear of it.
        if (crash === undefined && isAssertion(error)) throw error
        return { thrown: error instanceof Error ? `${error.name}: ${error.message}` : error }
      },
    )
    return { end: { outcome, executions: await executionsOf(docket) }, commits: [...commits] }
  } finally {
    await docket.close({ drain: false, deadline: 0 }).catch(() => {})
  }
}

/** Whether it is what an assertion of node:assert, Chai, Vitest or Jest throws. */
function isAssertion(thrown: unknown): boolean {
  return isRecord(thrown) && (thrown['name'] === 'AssertionError' || 'matcherResult' in thrown)
}

async function executionsOf(docket: TestDocket): Promise<readonly unknown[]> {
  const found: { readonly key: string; readonly shown: unknown }[] = []
  for (let after: Parameters<TestDocket['list']>[0] = {}; ;) {
    const { executions, next } = await docket.list(after)
    for (const { id, graph, target, status } of executions) {
      const value = status === 'completed' ? await (await docket.get(id))?.result() : undefined
      const shown = { graph, target, status, value }
      found.push({ key: JSON.stringify([graph, target, status]) + inspect(value), shown })
    }
    if (next === undefined) break
    after = { after: next }
  }
  // Ids that nobody gave follow from chance, which a crash may shift.
  return found.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((one) => one.shown)
}

function shown(end: End): string {
  return inspect(end, { depth: 8, breakLength: 120 })
}

/** What a commit writes, for people. */
function contentOf(method: string, given: readonly unknown[]): string {
  const items = Array.isArray(given[0]) ? (given[0] as readonly unknown[]) : []
  const parts = items.flatMap((item) => partsOf(method, item as Written))
  return parts.length === 0 ? method : `${method}: ${parts.join(', ')}`
}

interface Written {
  readonly id?: string
  readonly graph?: string
  readonly head?: { readonly status?: string }
  readonly park?: unknown
  readonly steps?: readonly { readonly step: string; readonly status: string }[]
  readonly slot?: string
}

function partsOf(method: string, { id, graph, head, park, slot, steps = [] }: Written): readonly string[] {
  if (method === 'create') return [`execution of ${graph}`]
  if (method === 'post') return [slot ?? 'a message']
  if (method !== 'commit') return id === undefined ? [] : [`"${id}"`]
  return [
    ...steps.flatMap(({ step, status }) => nameOf(step).map((name) => `${name} ${status}`)),
    ...(head?.status === undefined ? [] : [`execution ${head.status}`]),
    ...(park === undefined ? [] : ['execution parked']),
  ]
}

/** Of what is kept beside steps, undoings are shown. */
function nameOf(step: string): readonly string[] {
  if (step.startsWith('$undo ')) return [`undoing ${step.slice('$undo '.length)}`]
  return step.startsWith('$') ? [] : [step]
}
