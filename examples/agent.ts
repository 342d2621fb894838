// An agent: a model decides which tool to call, until it has an answer. Each call is on record, so that a crash repeats none of them; what is dear waits for
// somebody's approval, for days if need be; and a budget ends it.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Task = dataType('Task', z.string())
const Approval = dataType('Approval', z.object({ ok: z.boolean() }))
const Thought = dataType('Thought', z.string())
const Answer = dataType('Answer', z.string())

type Turn = { readonly tool: 'search' | 'order'; readonly text: string } | { readonly answer: string }

// In the place of a model, and of what its tools call.
const turns: readonly Turn[] = [
  { tool: 'search', text: 'teapots' },
  { tool: 'order', text: 'the blue one' },
  { answer: 'the blue one is on its way' },
]
const model = {
  next: async (history: readonly string[]): Promise<Turn> => {
    console.log(`model: turn ${history.length}`)
    return turns[history.length - 1]!
  },
}
const tools = {
  search: async (text: string) => `three ${text}`,
  order: async (text: string, key: string) => `ordered ${text}, ${key.length > 0 ? 'once' : ''}`,
}

// #region agent
const agent = durableStep({
  name: 'Agent',
  inputs: { task: Task },
  output: Answer,
  receives: [Approval],
  publishes: [Thought],
  run: async ({ task }, ctx) => {
    const history = [task]
    for (let budget = 10; budget > 0; budget--) {
      const turn = await ctx.step('think', () => model.next(history), { timeout: '1m', retry: { maxAttempts: 3 } })
      if ('answer' in turn) return turn.answer
      await ctx.publish(Thought, `${turn.tool}: ${turn.text}`)
      if (turn.tool === 'order') {
        const approval = await ctx.receive(Approval, { timeout: '7d' })
        if (approval.timedOut === true || !approval.value.ok) {
          history.push(`${turn.tool} was not approved`)
          continue
        }
      }
      history.push(await ctx.step(turn.tool, ({ idempotencyKey }) => tools[turn.tool](turn.text, idempotencyKey)))
    }
    throw new Error('the budget is spent')
  },
})
const agents = graph({ name: 'agents', steps: [agent] })
// #endregion

await using docket = createTestDocket({ graphs: [agents] })
const run = await docket.start(agents, Answer, { Task: 'buy a teapot' })
await docket.advance('2d')
console.log(await run.get(Thought))
await docket.restart()
await run.signal(Approval, { ok: true })
console.log(await run.result())
