import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import type { Why } from '../../src/index.ts'
import { childProgram } from '../child-program.ts'
import { placeMaker, storeKinds } from './place.ts'

const newPlace = await placeMaker()

test.each(storeKinds)('why says which process died, on %s, to a process that has none of the graphs', async (kind) => {
  const place = await newPlace(kind)
  const program = childProgram(join(import.meta.dirname, 'deadly-process.ts'))
  const order = JSON.stringify({ address: place.address, scope: 'execution' })
  expect(spawnSync(process.execPath, [program, order], { encoding: 'utf8' }).signal).toBe('SIGKILL')
  await using docket = createDocket({ graphs: [], store: place.createStore(), takeOver: false })
  let why: Why = await docket.why('a')
  // Until its lease is over, nobody knows whether it lives.
  for (let looks = 0; why.code !== 'execution.noWorker' && looks < 200; looks++) {
    expect(['execution.running', 'execution.ownerSilent']).toContain(why.code)
    await delay(50)
    why = await docket.why('a')
  }
  expect(why).toMatchObject({ code: 'execution.noWorker', status: 'running', queue: 'default' })
  expect(why.deadOwners).toEqual([(await (await docket.get('a'))!.details()).owner])
  expect(why.text).toContain('which ran it, is gone: its lease ran out')
  expect(await docket.why('a', 'First')).toMatchObject({ code: 'step.completed' })
  const second = await docket.why('a', 'Second')
  expect(second).toMatchObject({ code: 'step.notRun', because: [{ code: 'execution.noWorker' }] })
  expect(second.text).toMatch(/^step "Second" was running when its process was lost, and does not run/)
  expect(JSON.parse(JSON.stringify(second))).toMatchObject({ code: 'step.notRun', attempt: 1 })
})
