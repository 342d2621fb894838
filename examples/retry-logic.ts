/** Nodes that fail at first and are tried again, with longer and longer waits; what is read of it afterwards. */
import { createDocket, dataType, exponential, NonRetryableError, step, type, workflow } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Url = dataType('Url', type<string>())
const Page = dataType('Page', type<string>())
const Report = dataType('Report', type<string>())

// #region steps
const fetchPage = step({
  name: 'fetch_page',
  inputs: { url: Url },
  output: Page,
  run: ({ url }, { attempt, stepName }) => {
    console.log(`${stepName}: attempt ${attempt}`)
    if (url.startsWith('gone:')) throw new NonRetryableError('410 Gone') // another attempt would not help
    if (attempt < 3) throw new Error('503 Service Unavailable')
    return `page of ${url}`
  },
})
const report = step({
  name: 'report',
  results: { fetch_page: Page },
  output: Report,
  run: (_, { results }) => `read ${results.fetch_page}`,
})
// #endregion

// #region draw
const crawl = (url: string) =>
  workflow('crawl', { defaults: { retry: { maxAttempts: 2 } } })
    .add('fetch_page', fetchPage, { url }, { retry: { maxAttempts: 5, backoff: exponential('10ms', { max: '1s' }) } })
    .add('report', report, {}, { dependsOn: ['fetch_page'] })
// #endregion

await using docket = createDocket({
  graphs: [],
  steps: [fetchPage, report],
  store: memoryStore(),
  observers: [
    (event) => {
      if (event.type === 'retry.scheduled') console.log(`  failed, next in ${event.delayMs} ms`)
    },
  ],
})
console.log((await docket.execute(crawl('https://example.com'))).report)

const gone = await docket.start(crawl('gone:page'), { id: 'gone' })
await gone.result().catch((error: Error) => console.log(`${error.message}: ${String(error.cause)}`))
for (const { step: node, status, attempt, error } of (await gone.details()).steps)
  console.log(`${node}: ${status}, attempts: ${attempt}, ${String(error)}`)
