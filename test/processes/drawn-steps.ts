import { dataType, resultsOfType, step, type } from '../../src/index.ts'

const Email = dataType('Email', type<string>())
const User = dataType('User', type<number>())
const Note = dataType('Note', type<string>())

/** The steps of signups. They note what they do; `hangs`: a node whose function never returns. */
export function signupSteps(note: (text: string) => void, hangs?: string) {
  const begun = async (name: string, attempt: number): Promise<void> => {
    note(`${name} ${attempt}`)
    if (name === hangs) await new Promise(() => setInterval(() => {}, 1_000))
  }
  const create = step({
    name: 'create',
    inputs: { email: Email },
    output: User,
    run: async ({ email }, { stepName, attempt }) => {
      await begun(stepName, attempt)
      return email.length
    },
  })
  const send = step({
    name: 'send',
    inputs: { by: Note },
    results: { create: User },
    output: Note,
    run: async ({ by }, { stepName, attempt, results }) => {
      await begun(stepName, attempt)
      return `${by} to ${results.create}`
    },
  })
  const count = step({
    name: 'count',
    results: {},
    output: User,
    run: (_, { results }) => resultsOfType(results, Note).length,
  })
  return { create, send, count, all: [create, send, count] }
}
