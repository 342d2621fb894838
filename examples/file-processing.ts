// Files that are fetched, counted and stored, each in an execution of its own: what is done to one is not done again, and one that is broken holds up no other.
import { dataType, durableStep, graph, NonRetryableError, step } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Path = dataType('Path', z.string())
const Content = dataType('Content', z.string())
const Count = dataType('Count', z.object({ path: z.string(), words: z.number() }))
const Folder = dataType('Folder', z.string())
const Report = dataType('Report', z.object({ counted: z.number(), words: z.number(), broken: z.array(z.string()) }))

/** What a storage service has. It is out of order now and then. */
const files = new Map([
  ['in/a.txt', 'one two three'],
  ['in/b.txt', 'four five'],
  ['in/c.bin', '\u0000'],
])
let outages = 1

// #region file
const fetchFile = step({
  name: 'Fetch',
  inputs: { path: Path },
  output: Content,
  persist: 'execution',
  retry: { maxAttempts: 5, backoff: '10s' },
  run: ({ path }) => {
    if (path === 'in/b.txt' && outages-- > 0) throw new Error('the storage does not answer')
    console.log(`fetching ${path}`)
    return files.get(path)!
  },
})
const count = step({
  name: 'Count',
  inputs: { path: Path, content: Content },
  output: Count,
  run: ({ path, content }) => {
    if (content.includes('\u0000')) throw new NonRetryableError(`${path} is no text`)
    return { path, words: content.split(' ').length }
  },
})
const counting = graph({ name: 'counting', steps: [fetchFile, count] })
// #endregion

// #region folder
const countFolder = durableStep({
  name: 'CountFolder',
  inputs: { folder: Folder },
  output: Report,
  run: async ({ folder }, ctx) => {
    const paths = await ctx.step('list', () => [...files.keys()].filter((path) => path.startsWith(`${folder}/`)))
    const children = []
    for (const path of paths) children.push(await ctx.start(counting, Count, { Path: path }, { key: path }))
    const outcomes = await Promise.allSettled(children.map((child) => child.result()))
    const counts = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.words] : []))
    return {
      counted: counts.length,
      words: counts.reduce((sum, words) => sum + words, 0),
      broken: paths.filter((_, index) => outcomes[index]?.status === 'rejected'),
    }
  },
})
const folders = graph({ name: 'folders', steps: [countFolder] })
// #endregion

// #region run
await using docket = createTestDocket({ graphs: [folders, counting] })
const handle = await docket.start(folders, Report, { Folder: 'in' }, { id: 'in' })
await docket.advance('1s')
await docket.restart() // killed while one file waits for its next attempt: what was fetched is not fetched again
console.log(await handle.result())
const { executions } = await docket.list({ parent: 'in', status: 'failed' })
console.log(executions.map(({ id }) => id))
// #endregion
