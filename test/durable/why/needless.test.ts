import { expect, test } from 'vitest'
import { dataType, graph, race, signal, step, timer, type } from '../../../src/index.ts'
import { World } from '../durable-time.ts'

const Approval = dataType('Approval', type<string>())
const Draft = dataType('Draft', type<string>())
const Review = dataType('Review', type<string>())
const Answer = dataType('Answer', type<string>())
const Pause = dataType('Pause', type<unknown>())
const Report = dataType('Report', type<string>())

test('steps that lost their race as another process went on with their execution are needed no more: they neither run again nor wait for anything', async () => {
  const world = new World()
  const { clock } = world
  const reports = graph({
    name: 'reports',
    defaults: { persist: 'execution' },
    steps: [
      signal(Approval),
      step({ name: 'Draft', output: Draft, run: async () => (await clock.sleep(100_000), 'draft') }),
      step({ name: 'Review', inputs: { draft: Draft }, output: Review, run: ({ draft }) => draft }),
      race({ name: 'Answer', inputs: { approval: Approval, review: Review }, output: Answer }),
      timer({ name: 'Pause', output: Pause, after: '1h' }),
      step({ name: 'Report', inputs: { answer: Answer, pause: Pause }, output: Report, run: ({ answer }) => answer }),
    ],
  })
  const { docket, die } = world.mortal({ graphs: [reports], lease: '2s' })
  await clock.settle(docket.start(reports, Report, {}, { id: 'a' }))
  await clock.advance(1_000)
  die()
  const other = world.process({ graphs: [], takeOver: false })
  await clock.settle((await clock.settle(other.get('a')))!.signal(Approval, 'yes'))
  const next = world.process({ graphs: [reports], lease: '2s' })
  await clock.advance(30_000)
  for (const name of ['Draft', 'Review'])
    expect(await clock.settle(next.why('a', name))).toMatchObject({
      code: 'step.notNeeded',
      text: `step "${name}" is not needed any more: all that takes what it makes has ended`,
    })
  expect(await clock.settle(next.why('a', 'Report'))).toMatchObject({ code: 'step.waitsForInputs' })
})
