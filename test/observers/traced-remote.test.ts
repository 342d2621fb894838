import { expect, test } from 'vitest'
import { billingService, chargesOf, Confirmation, docketOf, fetchOf, ordersOf } from '../remote/two-services.ts'
import { tracing } from './tracing.ts'

test('an operation of another service gets the span of the attempt that calls it, whatever the caller’s trace was', async () => {
  const seen: Readonly<Record<string, string>>[] = []
  const service = billingService(
    chargesOf((_, context) => void seen.push(context.headers)),
    { basePath: '/operations' },
  )
  const { observers, spans } = tracing()
  const headers = { authorization: 'Bearer orders' }
  const url = 'http://billing.test/operations'
  const orders = ordersOf({ url, headers, fetch: fetchOf(service.handler), poll: '100ms' })
  const docket = docketOf({ graphs: [orders], observers })
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await docket.execute(orders, Confirmation, { Order: { id: 'o-1', amount: 12 } }, { headers: { traceparent } })
  const [, traceId, spanId] = seen[0]!['traceparent']!.split('-')
  const attempt = spans().find((span) => span.spanContext().spanId === spanId)
  expect(attempt?.spanContext().traceId).toBe(traceId)
  expect(attempt?.attributes['docket.attempt']).toBe(1)
  expect(traceId).not.toBe('0af7651916cd43dd8448eb211c80319c')
})
