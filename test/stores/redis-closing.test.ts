import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import { startTalkingChild } from '../servers/talking-child.ts'

test('a process that closes while it is about to listen again, after its connection was lost, ends with nothing thrown', async () => {
  const proxy = await startStallingProxy(await serverUrl('redis'))
  onTestFinished(() => proxy.stop())
  const prefix = `closing-${randomUUID().slice(0, 8)}:`
  using child = startTalkingChild(join(import.meta.dirname, 'listening-process.ts'), [proxy.url, prefix])
  await child.line()
  proxy.muteAfter('subscribe')
  proxy.cut()
  await vi.waitUntil(() => proxy.muted > 0, { timeout: 10_000 })
  child.say('close')
  expect(await child.ended()).toEqual([0, null, ''])
  expect(child.said).toEqual(['open', 'closed'])
})
