/** A process is killed with SIGKILL in the middle of an execution, and another one finishes it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DocketClosedError } from 'docket'
import { openShop, takeOrder } from './shop.ts'

const [, , file, number] = process.argv
if (file === undefined) await orchestrate()
else await beTheShop(file)

// #region process
/** What each of the two processes does: it takes the order, or goes on with it. */
async function beTheShop(path: string): Promise<void> {
  await using docket = openShop(path)
  process.once('SIGTERM', () => void docket.close({ deadline: '2s' }).catch(console.error))
  try {
    console.log(`  process ${number}: ${await takeOrder(docket, 'order 7')}`)
  } catch (error) {
    // It was handed over: another process goes on with it, and has its result.
    if (!(error instanceof DocketClosedError)) throw error
    console.log(`  process ${number}: ${error.message}`)
  }
}
// #endregion

// #region orchestrate
async function orchestrate(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'docket-'))
  const path = join(folder, 'shop.db')
  // It only looks: executions that nobody runs are not for this process.
  const watcher = openShop(path, { takeOver: false })
  const stepsOf = async (): Promise<Record<string, string>> => {
    const details = await (await watcher.get('order:order 7'))?.details()
    return Object.fromEntries(details?.steps.map(({ step, status }) => [step, status]) ?? [])
  }

  console.log('the first process takes an order')
  const first = fork(import.meta.filename, [path, '1'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  for await (const line of createInterface(first.stdout!)) {
    console.log(line)
    if (line.includes('packing')) break
  }
  first.kill('SIGKILL')
  await once(first, 'exit')
  console.log(`it was killed; in the database: ${JSON.stringify(await stepsOf())}`)

  console.log('the second process starts')
  const second = fork(import.meta.filename, [path, '2'])
  await once(second, 'exit')
  console.log(`in the database: ${JSON.stringify(await stepsOf())}`)

  await watcher.close()
  rmSync(folder, { recursive: true })
}
// #endregion
