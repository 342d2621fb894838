/** Limits of time: for one attempt of a step, for a whole execution, and by the caller's own signal. */
import { setTimeout as delay } from 'node:timers/promises'
import { dataType, execute, ExecutionCancelledError, ExecutionTimeoutError, graph, step, StepError, type } from 'docket'

const Question = dataType('Question', type<string>())
const Answer = dataType('Answer', type<string>())

// #region step
const think = step({
  name: 'Think',
  inputs: { question: Question },
  output: Answer,
  timeout: '30ms',
  run: async ({ question }, { signal }) => {
    signal.addEventListener('abort', () => console.log('  the step saw its signal'))
    await delay(question === 'simple' ? 1 : 60_000, undefined, { signal })
    return '42'
  },
})
const oracle = graph({ name: 'oracle', steps: [think], timeout: '5s' })
// #endregion

console.log('a quick one:')
console.log(`  ${await execute(oracle, Answer, { Question: 'simple' })}`)

console.log('an attempt that takes too long:')
try {
  await execute(oracle, Answer, { Question: 'hard' })
} catch (error) {
  if (error instanceof StepError) console.log(`  ${String(error.cause)}`)
}

// #region execution
console.log('an execution that takes too long:')
try {
  await execute(oracle, Answer, { Question: 'hard' }, { timeout: '10ms' })
} catch (error) {
  if (error instanceof ExecutionTimeoutError) console.log(`  after ${error.timeoutMs} ms`)
}
// #endregion

// #region signal
console.log('a caller who loses patience:')
const controller = new AbortController()
setTimeout(() => controller.abort(new Error('the client hung up')), 5)
try {
  await execute(oracle, Answer, { Question: 'hard' }, { signal: controller.signal })
} catch (error) {
  if (error instanceof ExecutionCancelledError) console.log(`  ${error.message}`)
}
// #endregion

// No timer is left behind: the process ends here, though the step would have slept for a minute.
