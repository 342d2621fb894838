// A report that other executions do the reading for, all at the same time. Its progress can be followed from any process.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Question = dataType('Question', z.string())
const Source = dataType('Source', z.string())
const Notes = dataType('Notes', z.string())
const Progress = dataType('Progress', z.object({ read: z.number(), of: z.number() }))
const Report = dataType('Report', z.string())

const search = async (question: string): Promise<readonly string[]> => [
  `${question}: a`,
  `${question}: b`,
  `${question}: c`,
]

const reading = graph({
  name: 'reading',
  steps: [
    durableStep({
      name: 'Read',
      inputs: { source: Source },
      output: Notes,
      run: async ({ source }, ctx) => {
        // The archive answers by the next day.
        await ctx.sleep(source.endsWith('b') ? '1d' : '1h')
        return ctx.step('summarize', () => `notes on ${source}`)
      },
    }),
  ],
})

// #region research
const research = durableStep({
  name: 'Research',
  inputs: { question: Question },
  output: Report,
  publishes: [Progress],
  run: async ({ question }, ctx) => {
    const sources = await ctx.step('search', () => search(question))
    const children = []
    for (const source of sources) children.push(await ctx.start(reading, Notes, { Source: source }))
    let read = 0
    const notes = await Promise.all(
      children.map((child) =>
        ctx.branch(child.id, async (part) => {
          const made = await child.result()
          await part.publish(Progress, { read: ++read, of: sources.length })
          return made
        }),
      ),
    )
    return ctx.step('write', () => notes.join('; '))
  },
})
const reports = graph({ name: 'reports', steps: [research] })
// #endregion

await using docket = createTestDocket({ graphs: [reports, reading] })
const report = await docket.start(reports, Report, { Question: 'tea' }, { id: 'tea' })
await docket.advance('2h')
console.log(await report.get(Progress))
await docket.restart()
console.log(await report.result())
const { executions } = await docket.list({ parent: 'tea' })
console.log(executions.map(({ id }) => id).sort())
