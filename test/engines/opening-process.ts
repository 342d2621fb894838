/** A process that opens an engine, and prints what that says. */
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import type { EngineError } from '../../src/core/engine-error.ts'

const engine = bullmqEngine({ connection: process.argv[2]!, timeout: '500ms' })
try {
  await engine.open({ report: () => {} })
  process.stdout.write('open\n')
} catch (error) {
  const { code, isTransient, message } = error as EngineError
  process.stdout.write(`${code} ${isTransient ? 'for now' : 'for good'}: ${message}\n`)
}
