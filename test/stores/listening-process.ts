/** A process with a docket on a Redis: it prints `open` once it listens, closes when it gets a line, and prints `closed`. */
import { once } from 'node:events'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { redisStore } from '../../stores/redis/index.ts'

const Out = dataType('Out', type<string>())
const fine = graph({ name: 'fine', steps: [step({ name: 'Fine', output: Out, run: () => 'fine' })] })

const docket = createDocket({ graphs: [fine], store: redisStore({ url: process.argv[2]!, prefix: process.argv[3]! }) })
await docket.execute(fine, Out, {}, { id: 'fine' })
process.stdout.write('open\n')
await once(process.stdin, 'data')
await docket.close({ deadline: 500 })
process.stdin.destroy()
process.stdout.write('closed\n')
