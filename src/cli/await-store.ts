import type { Docket } from '../index.ts'
import type { CliCall } from './cli-call.ts'
import { plain } from './plain-text.ts'
import { unlessAborted } from './until-aborted.ts'

const firstLookMs = 1_000
const pauseMs = 1_000

/** Waits until the store answers, or the command is interrupted, and says what it waits for. */
export async function awaitStore({ globals, printer, streams }: CliCall, docket: Docket): Promise<void> {
  const said: string[] = []
  let answers = false
  while (!streams.signal.aborted) {
    const { storeMs, problems } = await docket.health({ deadline: said.length === 0 ? firstLookMs : globals.timeout })
    answers = storeMs !== undefined
    if (answers) break
    for (const problem of problems) {
      if (said.includes(problem)) continue
      said.push(problem)
      printer.say(`waiting for the store: ${plain(problem, 2_000)}`)
    }
    await unlessAborted(new Promise((resolve) => setTimeout(resolve, pauseMs)), streams.signal)
  }
  streams.onStore?.(said, answers)
}
