import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, step } from '../../src/index.ts'
import { implement, operation, remote, serve } from '../../src/remote/index.ts'
import { callerOf, docketOf, fetchOf, secret } from './two-services.ts'

test('an answer that is still being checked when its execution fails keeps no retry waiting', async () => {
  let isHeld = false
  const checking = Promise.withResolvers<void>()
  const never = new Promise<boolean>(() => {})
  const schema = z.string().refine(() => {
    if (!isHeld) return true
    checking.resolve()
    return never
  })
  const [Question, Answer, Other, Both] = [
    dataType('Question', z.string()),
    dataType('Answer', schema),
    dataType('Other', z.string()),
    dataType('Both', z.string()),
  ]
  const Ask = operation('service/ask', { input: Question, output: Answer })
  const answers = graph({
    name: 'answers',
    steps: [
      step({ name: 'Think', inputs: { question: Question }, output: Answer, run: ({ question }) => `${question}!` }),
    ],
  })
  const handler = serve(docketOf({ graphs: [answers] }), {
    operations: [implement(Ask, { graph: answers })],
    authorize: callerOf,
    secret,
    answerWithin: '5s',
  })
  let isMended = false
  const asking = graph({
    name: 'asking',
    steps: [
      remote(Ask, {
        name: 'Ask',
        url: 'http://service.test',
        headers: { authorization: 'Bearer asker' },
        fetch: async (url, init) => {
          const response = await fetchOf(handler)(url, init)
          isHeld = !isMended
          return response
        },
      }),
      step({
        name: 'Fail',
        output: Other,
        run: async () => {
          await checking.promise
          if (!isMended) throw new Error('not yet')
          return 'mended'
        },
      }),
      step({
        name: 'Join',
        inputs: { answer: Answer, other: Other },
        output: Both,
        run: ({ answer, other }) => `${answer} ${other}`,
      }),
    ],
  })
  const docket = docketOf({ graphs: [asking] })
  const handle = await docket.start(asking, Both, { Question: 'why' }, { id: 'a' })
  await expect(handle.result()).rejects.toThrow('not yet')
  isMended = true
  isHeld = false
  await docket.retry('a')
  expect(await handle.result()).toBe('why! mended')
})
