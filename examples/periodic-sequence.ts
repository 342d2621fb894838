// A child execution every hour, one after another: what one of them gives is where the next one begins.
import { dataType, durableStep, graph, step } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Cursor = dataType('Cursor', z.number())
const Page = dataType('Page', z.array(z.number()))
const NextCursor = dataType('NextCursor', z.number())
const Hours = dataType('Hours', z.number())
const Imported = dataType('Imported', z.number())

const pages = graph({
  name: 'pages',
  steps: [
    step({ name: 'Fetch', inputs: { from: Cursor }, output: Page, run: ({ from }) => [from, from + 1, from + 2] }),
    step({
      name: 'Import',
      inputs: { from: Cursor, page: Page },
      output: NextCursor,
      persist: 'execution',
      run: ({ from, page }) => from + page.length,
    }),
  ],
})

// #region sequence
const follow = durableStep({
  name: 'Follow',
  inputs: { hours: Hours },
  output: Imported,
  run: async ({ hours }, ctx) => {
    let cursor = 0
    for (let hour = 0; hour < hours; hour++) {
      // A child of its own, that is found under its own id; it is joined again if this process dies meanwhile.
      cursor = await ctx.execute(pages, NextCursor, { Cursor: cursor })
      await ctx.sleep('1h')
    }
    return cursor
  },
})
const imports = graph({ name: 'imports', steps: [follow] })
// #endregion

await using docket = createTestDocket({ graphs: [imports, pages], now: new Date('2026-01-01T00:00:00Z') })
const handle = await docket.start(imports, Imported, { Hours: 24 }, { id: 'import' })
await docket.advance('5h')
await docket.restart()
console.log(await handle.result(), docket.now().toISOString())
const { executions } = await docket.list({ parent: 'import' })
console.log(`${executions.length} children, all ${executions[0]!.status}`)
