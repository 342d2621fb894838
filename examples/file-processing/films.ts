/** What all processes know: the graphs, and where their executions are kept. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDocket, dataType, graph, step, subgraph } from 'docket'
import type { Docket } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Film = dataType('Film', z.object({ name: z.string() }))
const LocalFile = dataType('LocalFile', z.string())
const SmallFile = dataType('SmallFile', z.string())
const Upload = dataType('Upload', z.string())
const Mail = dataType('Mail', z.string())

const name = process.argv[3]
const say = (text: string): void => console.log(`  ${name}: ${text}`)

// #region steps
const download = step({
  name: 'Download',
  inputs: { film: Film },
  output: LocalFile,
  persist: 'execution',
  run: ({ film }) => {
    const file = join(mkdtempSync(join(tmpdir(), 'docket-film-')), film.name)
    writeFileSync(file, `the film ${film.name}`)
    say('downloaded')
    return file // on the disk of this worker, and nowhere else
  },
})
const shrink = step({
  name: 'Shrink',
  inputs: { file: LocalFile },
  output: SmallFile,
  persist: 'execution',
  run: ({ file }) => {
    if (name === 'the first worker') process.kill(process.pid, 'SIGKILL') // the power fails
    writeFileSync(`${file}.small`, readFileSync(file, 'utf8').toLowerCase())
    say('made small')
    return `${file}.small`
  },
})
const upload = step({
  name: 'Upload',
  inputs: { file: SmallFile },
  output: Upload,
  run: ({ file }) => {
    say('uploaded')
    return `${readFileSync(file, 'utf8')}, small`
  },
})
const files = graph({ name: 'files', steps: [download, shrink, upload] })
// #endregion

// #region parent
const mail = step({ name: 'Mail', inputs: { upload: Upload }, output: Mail, run: ({ upload }) => `ready: ${upload}` })
const films = graph({
  name: 'films',
  steps: [
    // All three steps in one worker of this queue; when it is lost, so are its files, and all three run anew in another one.
    subgraph(files, Upload, { queue: 'films', onWorkerLoss: 'restart' }),
    mail,
  ],
})
// #endregion

/** A worker of the queue, or (with `work: {}`) the process that runs the rest. */
export function openFilms(file: string, work: Readonly<Record<string, number>>): Docket {
  return createDocket({ graphs: [films], store: sqliteStore(file), lease: '1s', work })
}

/** Has a film made small, and gives the mail that says so. */
export async function publish(docket: Docket, film: string): Promise<string> {
  const execution = await docket.start(films, Mail, { Film: { name: film } }, { id: `film:${film}` })
  return execution.result()
}
