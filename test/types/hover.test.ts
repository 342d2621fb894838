import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { folder } from './compiler-messages.ts'

const compiler = join(import.meta.dirname, '../../node_modules/.bin/tsc')
const file = join(folder, 'users.ts')

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly result?: { readonly contents: { readonly value: string } }
}

/** What an editor shows over the declarations of these names, by the language server of the compiler. */
async function hoversOver(names: readonly string[]): Promise<readonly string[]> {
  const server = spawn(compiler, ['--lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const asked = new Map<number, (answer: Answer) => void>()
  const send = (message: object): void => {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message })
    server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  }
  const ask = (method: string, params: object): Promise<Answer> =>
    new Promise((resolve) => {
      asked.set(asked.size, resolve)
      send({ id: asked.size - 1, method, params })
    })
  let received = Buffer.alloc(0)
  server.stdout.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    for (;;) {
      const start = received.indexOf('\r\n\r\n') + 4
      const length = Number(/Content-Length: (\d+)/.exec(received.toString('utf8', 0, start))?.[1])
      if (start < 4 || !(received.length >= start + length)) return
      const answer = JSON.parse(received.toString('utf8', start, start + length)) as Answer
      received = received.subarray(start + length)
      // The server asks questions of its own, which it can do without answers to.
      if (answer.method === undefined) asked.get(answer.id!)?.(answer)
      else if (answer.id !== undefined) send({ id: answer.id, result: null })
    }
  })
  try {
    const uri = pathToFileURL(file).href
    const text = readFileSync(file, 'utf8')
    await ask('initialize', { processId: process.pid, rootUri: pathToFileURL(folder).href, capabilities: {} })
    send({ method: 'initialized', params: {} })
    send({
      method: 'textDocument/didOpen',
      params: { textDocument: { uri, languageId: 'typescript', version: 1, text } },
    })
    const hovers: string[] = []
    for (const name of names) {
      const lines = text.slice(0, text.indexOf(`const ${name} =`) + 'const '.length).split('\n')
      const position = { line: lines.length - 1, character: lines.at(-1)!.length }
      const { result } = await ask('textDocument/hover', { textDocument: { uri }, position })
      hovers.push(result!.contents.value.replaceAll(/\s+/g, ' '))
    }
    return hovers
  } finally {
    server.kill()
  }
}

test('an editor shows the names of a graph’s steps and what each makes, before anything else', async () => {
  const [graph, step] = await hoversOver(['users', 'fetchProfile'])
  expect(graph).toContain(
    'const users: TypedGraph<"users", { Enrich: "EnrichedUser"; FetchPreferences: "UserPreferences"; FetchProfile: "UserProfile"; }, ',
  )
  expect(step).toContain(
    'const fetchProfile: Step<{ readonly id: DataType<"UserID", { id: string; }>; }, DataType<"UserProfile", { name: string; email: string; }>, "FetchProfile">',
  )
})
