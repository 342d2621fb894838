import { dataType, step, type } from '../../../src/index.ts'
import type { StepContext } from '../../../src/index.ts'

export const Email = dataType('Email', type<string>())
export const Receipt = dataType('Receipt', type<string>())

/** A step that notes when it begins and ends, and how it is called. */
export function noting(name: string, run: (ctx: StepContext, email: string) => unknown = () => 'done') {
  const calls: string[] = []
  const noted = step({
    name,
    inputs: { email: Email },
    output: Receipt,
    run: async ({ email }, ctx) => {
      calls.push(`${ctx.stepName} begins`)
      const made = (await run(ctx, email)) as string
      calls.push(`${ctx.stepName} ends`)
      return made
    },
  })
  return { noted, calls }
}
