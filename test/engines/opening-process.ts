/**
 * A process that opens an engine, and prints what that says. One that is told to serve takes wakes of two queues until it gets a line, and closes it then; one that is
 * told to hurry closes engines of which a consumer is just beginning.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import type { EngineError } from '../../src/core/engine-error.ts'

const [, , connection, order] = process.argv
const engine = bullmqEngine({ connection: connection!, timeout: '500ms' })
try {
  await engine.open({ report: () => {} })
  if (order === 'serve') {
    const consumers = await Promise.all(['a', 'b'].map((queue) => engine.consume(queue, 2, async () => 'done')))
    process.stdout.write('open\n')
    await once(process.stdin, 'data')
    await Promise.all(consumers.map((consumer) => consumer.close()))
  }
  if (order === 'hurry')
    for (let ms = 0; ms < 16; ms++) {
      const hasty = bullmqEngine({ connection: connection!, timeout: '500ms' })
      await hasty.open({ report: () => {} })
      const beginning = hasty.consume('a', 2, async () => 'done')
      beginning.catch(() => {})
      await sleep(ms)
      await hasty.close()
      await beginning.then(
        (consumer) => consumer.close(),
        () => {},
      )
    }
  await engine.close()
  process.stdin.destroy()
  process.stdout.write('closed\n')
} catch (error) {
  const { code, isTransient, message } = error as EngineError
  process.stdout.write(`${code} ${isTransient ? 'for now' : 'for good'}: ${message}\n`)
}
