/** A process that prints what a Redis store answers, and ends. */
import { redisStore } from '../../stores/redis/index.ts'

const store = redisStore({ url: process.argv[3]!, prefix: process.argv[4]! })
await store.open()
process.stdout.write(`${JSON.stringify(await store.get(['one']))}\n`)
await store.close()
