import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { aptGet, lockFile } from './binaries.ts'
import { redisProgram } from './redis.ts'

test.skipIf(!existsSync(aptGet))(
  'programs that another process is installing are not looked for before it is done (skipped where there is no apt-get)',
  async () => {
    const holder = spawn('flock', [lockFile, 'sh', '-c', 'echo held; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    const order: string[] = []
    const found = redisProgram().then(() => order.push('found'))
    // As long as a process takes that finds the lock free.
    const other = spawn('flock', ['--nonblock', lockFile, 'true'])
    expect(await once(other, 'exit')).toEqual([1, null])
    order.push('installed')
    holder.stdin.end('\n')
    await found
    expect(order).toEqual(['installed', 'found'])
  },
)
