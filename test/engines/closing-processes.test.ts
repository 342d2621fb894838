import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { migrate } from '../../src/engines/bullmq/index.ts'
import { childProgram } from '../child-program.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'

const program = childProgram(join(import.meta.dirname, 'opening-process.ts'))

test.concurrent.each(['redis', 'postgres'] as const)(
  'a process whose engine is closed while its %s is away ends, with nothing thrown',
  { timeout: 60_000 },
  async (kind) => {
    await using server = kind === 'redis' ? await startRedis() : await startPostgres()
    if (kind === 'postgres') await migrate(server.url)
    const child = spawn(process.execPath, [program, server.url, 'serve'], { stdio: ['pipe', 'pipe', 'pipe'] })
    const errors: string[] = []
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
    const said: string[] = []
    const lines = createInterface(child.stdout).on('line', (line) => said.push(line))
    const timer = setTimeout(() => child.kill('SIGKILL'), 40_000)
    try {
      await once(lines, 'line')
      await server.kill()
      child.stdin.write('close\n')
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      expect([code, signal, errors]).toEqual([0, null, []])
      expect(said).toEqual(['open', 'closed'])
    } finally {
      clearTimeout(timer)
      child.kill('SIGKILL')
    }
  },
)
