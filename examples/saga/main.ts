/** A process is killed with SIGKILL while it undoes what it had booked, and another one undoes the rest. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DocketClosedError, StepError } from 'docket'
import { bookTrip, openTrips } from './trips.ts'

const [, , file, number] = process.argv
if (file === undefined) await orchestrate()
else await book(file)

/** What each of the two processes does. */
async function book(path: string): Promise<void> {
  await using docket = openTrips(path)
  try {
    await bookTrip(docket, 'Ada')
  } catch (error) {
    if (error instanceof StepError) console.log(`  process ${number}: ${error.message}`)
    else if (!(error instanceof DocketClosedError)) throw error
  }
}

async function orchestrate(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'docket-'))
  const path = join(folder, 'trips.db')
  // It only looks: executions that nobody runs are not for this process.
  const watcher = openTrips(path, { takeOver: false })
  const look = async (): Promise<string> => {
    const details = await (await watcher.get('trip of Ada'))?.details()
    const undone = details?.steps.map(({ step, undo }) => `${step} ${undo?.status ?? 'not yet'}`)
    return `${details?.status}; undone: ${undone?.filter((one) => !one.startsWith('Pay')).join(', ')}`
  }

  console.log('the first process books a trip, and can not pay')
  const first = fork(import.meta.filename, [path, '1'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  for await (const line of createInterface(first.stdout!)) {
    console.log(line)
    if (line.includes('cancelling')) break
  }
  first.kill('SIGKILL')
  await once(first, 'exit')
  console.log(`it was killed; in the database: ${await look()}`)

  console.log('the second process starts')
  const second = fork(import.meta.filename, [path, '2'])
  await once(second, 'exit')
  console.log(`in the database: ${await look()}`)

  await watcher.close()
  rmSync(folder, { recursive: true })
}
