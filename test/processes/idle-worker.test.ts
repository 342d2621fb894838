import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'vitest'
import { childProgram } from '../child-program.ts'
import { startCuttingProxy } from '../servers/cutting-proxy.ts'
import { placeMaker } from './place.ts'

const newPlace = await placeMaker()
const program = childProgram(join(import.meta.dirname, 'idle-worker.ts'))

test.concurrent.for(['postgres', 'mysql', 'redis'] as const)(
  'over %s, a process that does nothing but wait for work lives until its docket is closed, also while the server is away',
  async (kind, { expect, onTestFinished }) => {
    const { address } = await newPlace(kind)
    const proxy = await startCuttingProxy(address.url)
    onTestFinished(() => proxy.stop())
    const [idle, asking] = ['', 'asks'].map((what) =>
      fork(program, [JSON.stringify({ ...address, url: proxy.url }), what]),
    )
    onTestFinished(() => [idle!, asking!].forEach((child) => child.kill('SIGKILL')))
    await once(asking!, 'message')
    await proxy.cut(1_500)
    await delay(500)
    expect([idle!.exitCode, asking!.exitCode]).toEqual([null, null])
    for (const child of [idle!, asking!]) {
      child.send('close')
      expect(await once(child, 'exit')).toEqual([0, null])
    }
  },
)
