import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Runs a program in a process of its own, which prints what it comes to as JSON. */
async function run(program: string): Promise<unknown> {
  const args = ['--conditions=docket-source', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  return JSON.parse(stdout)
}

const noting = `
  import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
`
const using = `
  const { createDocket, dataType, graph, step, type } = await import('docket')
  const { memoryStore } = await import('docket/stores/memory')
  const Name = dataType('Name', type())
  const Hello = dataType('Hello', type())
  const greet = step({ name: 'Greet', inputs: { name: Name }, output: Hello, persist: 'execution', run: ({ name }) => 'Hello, ' + name })
  const greetings = graph({ name: 'greetings', steps: [greet] })
  await using docket = createDocket({ graphs: [greetings], store: memoryStore() })
  await docket.execute(greetings, Hello, { Name: 'Ada' })
  await docket.list(); await docket.workers(); docket.about()
`

test('a program that does not import the inspector has no byte of it, nor of the packages that it is made of', async () => {
  const loaded = (await run(`${noting}${using}console.log(JSON.stringify(loaded))`)) as readonly string[]
  expect(loaded.length).toBeGreaterThan(100)
  expect(
    loaded.filter((url) => /\/src\/inspector\/|node_modules\/(?:hono|@hono|ws|preact|esbuild|commander)\//.test(url)),
  ).toEqual([])
})

test('one that does has its globals as they were, and builds no page before it is opened', async () => {
  const names = [
    'Request',
    'Response',
    'Headers',
    'fetch',
    'WebSocket',
    'crypto',
    'URL',
    'setTimeout',
    'Date',
    'Promise',
    'AbortController',
  ]
  const program = `${noting}
    const names = ${JSON.stringify(names)}
    const before = names.map((name) => globalThis[name])
    ${using}
    const { createInspector } = await import('docket/inspector')
    await using inspector = await createInspector({ docket })
    await fetch(new URL(inspector.url).origin + '/api/about')
    const changed = names.filter((name, index) => globalThis[name] !== before[index])
    console.log(JSON.stringify({ changed, builders: loaded.filter((url) => /esbuild/.test(url)) }))`
  expect(await run(program)).toEqual({ changed: [], builders: [] })
})
