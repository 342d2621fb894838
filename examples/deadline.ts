// A race of an answer and a timer: where none comes in time, there is a default. The virtual clock passes an hour in no time.
import { dataType, execute, graph, race, step, timer } from 'docket'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Question = dataType('Question', z.object({ text: z.string(), minutes: z.number() }))
const Answer = dataType('Answer', z.string())
const Silence = dataType('Silence', z.object({ since: z.date() }))
const Outcome = dataType('Outcome', z.string())

const clock = new VirtualClock(Date.parse('2030-01-01T09:00:00Z'))
const minutesLater = (minutes: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimeout(resolve, minutes * 60_000))

const ask = step({
  name: 'Ask',
  inputs: { question: Question },
  output: Answer,
  run: async ({ question }) => {
    await minutesLater(question.minutes)
    return `yes, after ${question.minutes} minutes`
  },
})

// #region timer
const expire = timer({
  name: 'Expire',
  output: Silence,
  after: '1h',
  value: (_, { dueAt }) => ({ since: dueAt }),
})
const settle = race({
  name: 'Settle',
  inputs: { answer: Answer, silence: Silence },
  output: Outcome,
  run: (first) => (first.port === 'answer' ? first.value : `no answer by ${first.value.since.toISOString()}`),
})
const questions = graph({ name: 'questions', steps: [ask, expire, settle] })
// #endregion

for (const minutes of [20, 300]) {
  const question = { text: 'Shall we?', minutes }
  console.log(await clock.settle(execute(questions, Outcome, { Question: question }, { clock })))
}
