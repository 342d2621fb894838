import { OptionError } from '../core/errors.ts'
import { HttpError, jsonAnswer } from './answers.ts'

/** A docket, as far as it has queues. */
interface WithQueues {
  queue?(name: string): { backlog?(options: { readonly byKey: boolean }): Promise<object> }
}

/** What a queue has, as JSON: right with no worker at all. @throws HttpError, and what the docket throws */
export async function backlogAnswer(docket: object, query: URLSearchParams): Promise<Response> {
  const queue = query.get('queue') ?? 'default'
  const byKey = query.get('byKey') === 'true'
  try {
    const backlog = await (docket as WithQueues).queue?.(queue).backlog?.({ byKey })
    if (backlog === undefined) throw new HttpError(501, 'this docket does not count queues')
    return jsonAnswer(200, JSON.stringify({ queue, ...backlog }))
  } catch (error) {
    if (error instanceof OptionError) throw new HttpError(400, error.message)
    throw error
  }
}
