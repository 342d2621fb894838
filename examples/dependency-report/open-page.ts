/** `--inspect`: a page that shows the work as it goes on, and stays. Docket feature: **the page**. */
import { createInspector } from 'docket/inspector'
import type { Inspecting } from './report.ts'

/** Opens the page, and keeps it open once there is a report, until the signal. */
export function pageUntil(signal: AbortSignal, show: (line: string) => void): Inspecting {
  return async (docket) => {
    const inspector = await createInspector({ docket })
    show(`the page is open at ${inspector.url}`)
    return async () => {
      show('the page stays open; Ctrl-C closes it, and prints the report')
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      await inspector.close()
    }
  }
}
