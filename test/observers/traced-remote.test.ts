import { AlwaysOffSampler } from '@opentelemetry/sdk-trace'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { billingService, chargesOf, Confirmation, docketOf, fetchOf, ordersOf } from '../remote/two-services.ts'
import { tracing } from './tracing.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** An execution that calls an operation of another service, and what that has got as its `traceparent`. */
async function calling(sampler?: Sampler) {
  const seen: Readonly<Record<string, string>>[] = []
  const service = billingService(
    chargesOf((_, context) => void seen.push(context.headers)),
    { basePath: '/operations' },
  )
  const { observers, spans } = tracing(sampler)
  const headers = { authorization: 'Bearer orders' }
  const url = 'http://billing.test/operations'
  const orders = ordersOf({ url, headers, fetch: fetchOf(service.handler), poll: '100ms' })
  const docket = docketOf({ graphs: [orders], observers })
  await docket.execute(orders, Confirmation, { Order: { id: 'o-1', amount: 12 } }, { headers: { traceparent } })
  const [, traceId, spanId, flags] = seen[0]!['traceparent']!.split('-')
  return { traceId, spanId, flags, spans: spans() }
}

test('an operation of another service gets the span of the attempt that calls it, whatever the caller’s trace was', async () => {
  const { traceId, spanId, flags, spans } = await calling()
  const attempt = spans.find((span) => span.spanContext().spanId === spanId)
  expect(attempt?.spanContext().traceId).toBe(traceId)
  expect(attempt?.attributes['docket.attempt']).toBe(1)
  expect(traceparent).not.toContain(traceId)
  expect(flags).toBe('01')
})

test('an operation of another service gets a trace that is not sampled where the execution is not, whatever its caller was', async () => {
  const { traceId, flags, spans } = await calling(new AlwaysOffSampler())
  expect(spans).toEqual([])
  expect(traceparent).not.toContain(traceId)
  expect(flags).toBe('00')
})
