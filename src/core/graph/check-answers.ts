import { describe } from '../check-options.ts'
import { isRecord } from '../is-record.ts'
import type { AnyDataType } from '../language/data-type.ts'
import { isUpdateType } from '../language/update.ts'

/** What is wrong with how a machine answers updates: each of its events that is one has an answer, and nothing else has. */
export function problemsOfAnswers(events: unknown, answers: unknown): readonly string[] {
  if (!isRecord(events)) return []
  if (answers !== undefined && !isRecord(answers))
    return [`answers must be an object of functions by the names of events, not ${describe(answers)}`]
  const given = answers ?? {}
  const updates = new Map(
    Object.entries(events).flatMap(([event, type]) =>
      isRecord(type) && isUpdateType(type as unknown as AnyDataType) ? [[event, String(type['name'])] as const] : [],
    ),
  )
  const missing = [...updates].flatMap(([event, type]) =>
    Object.hasOwn(given, event)
      ? []
      : [
          `its event "${event}" is the update "${type}", and nothing answers it: give answers: { ${event}: (snapshot, value) => … }`,
        ],
  )
  const wrong = Object.entries(given).flatMap(([event, answer]) => {
    if (!updates.has(event))
      return [
        `it has an answer for "${event}", which is ${Object.hasOwn(events, event) ? 'no update' : 'none of its events'}`,
      ]
    const isAnswer =
      typeof answer === 'function' ||
      (isRecord(answer) && typeof answer['when'] === 'function' && typeof answer['answer'] === 'function')
    return isAnswer
      ? []
      : [
          `its answer for "${event}" must be a function (snapshot, value) => …, or { when, answer }, not ${describe(answer)}`,
        ]
  })
  return [...missing, ...wrong]
}
