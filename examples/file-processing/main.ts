/** Steps that share files: one worker runs all of them. It is killed in the middle, and another one runs them anew. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilms, publish } from './films.ts'

const [, , path] = process.argv
if (path === undefined) await orchestrate()
else {
  const docket = openFilms(path, { films: 1 })
  process.once('SIGTERM', () => void docket.close().then(() => process.disconnect()))
  process.once('disconnect', () => void docket.close()) // it goes with the process that started it
}

async function orchestrate(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'docket-'))
  const file = join(folder, 'films.db')
  const docket = openFilms(file, { default: 10 })
  const published = publish(docket, 'Metropolis')

  const first = worker(file, 'the first worker')
  const [, signal] = (await once(first, 'exit')) as [number | null, string | null]
  console.log(`the first worker was killed: ${signal}`)

  const second = worker(file, 'the second worker')
  console.log(await published)

  second.kill('SIGTERM')
  await once(second, 'exit')
  await docket.close()
  rmSync(folder, { recursive: true })
}

function worker(file: string, name: string): ChildProcess {
  return fork(import.meta.filename, [file, name])
}
