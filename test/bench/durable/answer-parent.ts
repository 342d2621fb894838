import type { Answer, Question } from './bench-child.ts'

type Handler = (about: never) => unknown

/** The child's side of `BenchChild`: answers each question by its handler, and ends when nobody asks any more. */
export function answerParent(handlers: Readonly<Record<string, Handler>>): void {
  process.on('message', ({ id, ask, about }: Question) => {
    Promise.resolve()
      .then(() => handlers[ask]!(about as never))
      .then(
        (value) => send({ id, value }),
        (error: unknown) =>
          send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
  })
  process.on('disconnect', () => process.exit(0))
}

function send(answer: Answer): void {
  // A parent that has ended needs none, and this process ends as soon as it hears of that.
  if (process.connected) process.send!(answer, undefined, undefined, () => {})
}
