/** A limit on how often a step runs at the same time: over all executions of the process, and for each key. */
import { setTimeout as delay } from 'node:timers/promises'
import { dataType, executeBatch, graph, step } from 'docket'
import { z } from 'zod'

const Url = dataType('Url', z.object({ host: z.string(), path: z.string() }))
const Page = dataType('Page', z.string())

const open = new Map<string, number>()
const most = new Map<string, number>()

// #region step
const fetchPage = step({
  name: 'FetchPage',
  inputs: { url: Url },
  output: Page,
  concurrency: { limit: 2, key: ({ url }) => url.host }, // or just a number: one limit for the step
  run: async ({ url }, { signal }) => {
    enter(url.host)
    await delay(5, undefined, { signal })
    leave(url.host)
    return `page ${url.path} of ${url.host}`
  },
})
// #endregion

function enter(host: string): void {
  const now = (open.get(host) ?? 0) + 1
  open.set(host, now)
  most.set(host, Math.max(now, most.get(host) ?? 0))
}

function leave(host: string): void {
  open.set(host, open.get(host)! - 1)
}

const pages = graph({ name: 'pages', steps: [fetchPage] })

const hosts = ['a.example', 'b.example', 'c.example']
const items = hosts.flatMap((host) => ['/1', '/2', '/3', '/4', '/5'].map((path) => ({ Url: { host, path } })))
const results = await executeBatch(pages, Page, items)

console.log(`${results.length} pages, the last is ${results.at(-1)}`)
for (const [host, count] of most) console.log(`${host}: at most ${count} at the same time`)
