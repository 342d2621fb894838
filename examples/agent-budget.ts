// An agent that may spend so much by itself, and asks a person before it spends more.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Task = dataType('Task', z.object({ goal: z.string(), budget: z.number() }))
const Answer = dataType('Answer', z.object({ by: z.string(), extra: z.number() }))
const Question = dataType('Question', z.string())
const Outcome = dataType('Outcome', z.string())

// #region budget
const work = durableStep({
  name: 'Work',
  inputs: { task: Task },
  output: Outcome,
  receives: [Answer],
  publishes: [Question],
  run: async ({ task }, ctx) => {
    let left = task.budget
    const notes: string[] = []
    for (let turn = 1; ; turn++) {
      const plan = await ctx.step('think', () => think(task.goal, notes))
      if (plan.isDone) return `${task.goal}: ${notes.join('; ')}; ${left} left`
      if (plan.cost > left) {
        await ctx.publish(Question, `${plan.tool} costs ${plan.cost}, and ${left} is left. May I?`)
        const answer = await ctx.receive(Answer, { timeout: '2d' })
        if (answer.timedOut || answer.value.extra === 0) return `${task.goal}: stopped, ${notes.join('; ')}`
        left += answer.value.extra
      }
      left -= plan.cost
      notes.push(await ctx.step('tool', ({ idempotencyKey }) => useTool(plan.tool, idempotencyKey)))
    }
  },
})
const agents = graph({ name: 'agents', steps: [work] })
// #endregion

interface Plan {
  readonly isDone: boolean
  readonly tool: string
  readonly cost: number
}

/** Stands for a call of a language model. */
async function think(_goal: string, notes: readonly string[]): Promise<Plan> {
  const plans = [
    { isDone: false, tool: 'search', cost: 2 },
    { isDone: false, tool: 'buy the report', cost: 50 },
  ]
  return plans[notes.length] ?? { isDone: true, tool: '', cost: 0 }
}

async function useTool(tool: string, _idempotencyKey: string): Promise<string> {
  console.log(`the agent uses: ${tool}`)
  return `did ${tool}`
}

await using docket = createTestDocket({ graphs: [agents] })
const handle = await docket.start(agents, Outcome, { Task: { goal: 'market study', budget: 10 } }, { id: 'study' })
await docket.advance('1h')
console.log(await handle.get(Question))
await docket.restart()
await handle.signal(Answer, { by: 'Ada', extra: 45 })
console.log(await handle.result())
const other = await docket.start(agents, Outcome, { Task: { goal: 'second study', budget: 10 } }, { id: 'second' })
console.log(await other.result())
