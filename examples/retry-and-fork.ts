/** What can be done with executions afterwards: look at them, try the failed ones again, begin one anew from a step, delete old ones. */
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Video = dataType('Video', z.string())
const Audio = dataType('Audio', z.string())
const Text = dataType('Text', z.string())
const Subtitles = dataType('Subtitles', z.string())

const ran: string[] = []
let language: string | undefined

const extract = step({
  name: 'ExtractAudio',
  inputs: { video: Video },
  output: Audio,
  run: ({ video }) => (ran.push('ExtractAudio'), `sound of ${video}`),
})
const transcribe = step({
  name: 'Transcribe',
  inputs: { audio: Audio },
  output: Text,
  run: ({ audio }) => (ran.push('Transcribe'), `words in the ${audio}`),
})
const translate = step({
  name: 'Translate',
  inputs: { text: Text },
  output: Subtitles,
  run: ({ text }) => {
    ran.push('Translate')
    if (language === undefined) throw new Error('no language was chosen')
    return `${text}, in ${language}`
  },
})
const videos = graph({ name: 'videos', steps: [extract, transcribe, translate], defaults: { persist: 'execution' } })

await using docket = createDocket({ graphs: [videos], store: sqliteStore(':memory:') })

// #region retry
const first = await docket.start(videos, Subtitles, { Video: 'film 1' }, { id: 'film-1' })
await first.result().catch(() => {})

const { executions } = await docket.list({ status: 'failed', graph: 'videos' })
for (const { id, error } of executions) console.log(`${id} failed: ${String((error as Error).cause)}`)

ran.length = 0
language = 'French'
const again = await docket.retry('film-1')
console.log(`${String(await again.result())} (ran: ${ran.join(', ')})`)
// #endregion

// #region fork
ran.length = 0
language = 'Norwegian'
const other = await docket.fork('film-1', { from: 'Translate', id: 'film-1-no' })
console.log(`${String(await other.result())} (ran: ${ran.join(', ')})`)
// #endregion

// #region edit
ran.length = 0
const edited = await docket.fork('film-1', { overrides: { Video: 'film 1, uncut' }, id: 'film-1-uncut' })
console.log(`${String(await edited.result())} (ran: ${ran.join(', ')})`)
// #endregion

// #region look
const { status, steps } = await other.details()
console.log(`film-1-no: ${status}; ${steps.map((one) => `${one.step} ${one.status}`).join(', ')}`)
// #endregion

// #region pages
const ids: string[] = []
let after: string | undefined
do {
  const page = await docket.list({ graph: 'videos', limit: 50, after })
  ids.push(...page.executions.map(({ id }) => id))
  after = page.next
} while (after !== undefined)
// #endregion

await delay(10) // so that all of them ended before
// #region purge
console.log(`deleted: ${await docket.purge({ olderThan: '5ms', status: ['completed', 'failed'] })}`)
// #endregion
