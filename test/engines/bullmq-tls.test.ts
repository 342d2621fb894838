import { expect, onTestFinished, test, vi } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { makeCertificate } from '../servers/certificates.ts'
import { startTlsRedis } from '../servers/redis.ts'

test('wakes go over TLS, and a certificate that is refused fails the opening at once, with what to do', async () => {
  using certificate = await makeCertificate()
  const { server, tlsUrl } = await startTlsRedis(certificate)
  onTestFinished(() => server.stop())
  const { hostname: host, port } = new URL(tlsUrl)
  const engine = bullmqEngine({ connection: { host, port: Number(port), tls: { ca: certificate.ca } } })
  await engine.open({ report: () => {} })
  onTestFinished(() => engine.close())
  const taken: string[] = []
  const consumer = await engine.consume('default', 1, async (id) => {
    taken.push(id)
    return 'done'
  })
  onTestFinished(() => consumer.close())
  await engine.wake([{ id: 'one', epoch: 0, queue: 'default' }])
  await vi.waitUntil(() => taken.includes('one'), { timeout: 10_000 })
  await expect(bullmqEngine({ connection: tlsUrl }).open({ report: () => {} })).rejects.toMatchObject({
    isTransient: false,
    message: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  })
})
