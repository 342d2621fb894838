import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { childProgram } from '../child-program.ts'

/** A span as OTLP has it, over HTTP in JSON. */
interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly links?: readonly { readonly spanId: string; readonly traceId: string }[]
}

interface OtlpRequest {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[] }[]
}

const folder = mkdtempSync(join(tmpdir(), 'docket-traced-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('where a process is killed in the middle, both lives are exported, and linked', async () => {
  const spans: OtlpSpan[] = []
  const receiver = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { scopeSpans } of (body as OtlpRequest).resourceSpans)
        for (const one of scopeSpans) spans.push(...one.spans)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/v1/traces`
  const program = childProgram(join(import.meta.dirname, 'traced-process.ts'))
  const life = async (isKilled: boolean) => {
    const order = JSON.stringify({ path: join(folder, 'docket.db'), url, isKilled })
    const child = spawn(process.execPath, [program, order], { stdio: ['ignore', 'pipe', 'inherit'] })
    const said = text(child.stdout)
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return { said: await said, signal }
  }
  expect(await life(true)).toEqual({ said: '', signal: 'SIGKILL' })
  expect(await life(false)).toEqual({ said: '3', signal: null })
  receiver.close()
  const one = (name: string): OtlpSpan => spans.find((span) => span.name === name)!
  // The first root was never ended, and so it is not exported: what it was is, and in its trace.
  const [first, lost, second] = [one('First'), one('lost life of traced'), one('life of traced')]
  // Each is exported by a request of its own: they come in any order.
  expect(spans.map(({ name }) => name).toSorted()).toEqual([
    'First',
    'Second',
    'execution of traced',
    'life of traced',
    'lost life of traced',
  ])
  expect(lost.traceId).toBe(first.traceId)
  expect(lost.parentSpanId).toBe(first.parentSpanId)
  expect(second.traceId).not.toBe(first.traceId)
  expect(second.parentSpanId ?? '').toBe('')
  expect(second.links).toMatchObject([{ traceId: first.traceId, spanId: first.parentSpanId }])
})
