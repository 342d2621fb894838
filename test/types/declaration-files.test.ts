import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Who publishes data types, steps and graphs publishes their declarations: the types must survive that.

const root = join(import.meta.dirname, '../..')
const compiler = join(root, 'node_modules/.bin/tsc')
const options = {
  noEmit: false,
  declaration: true,
  emitDeclarationOnly: true,
  noUnusedLocals: false,
  rootDir: root,
}
let emitted: string
let emission: string
let consumption: string

function compile(folder: string, compilerOptions: object, files: readonly string[]): string {
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  return spawnSync(compiler, ['-p', folder, '--pretty', 'false'], { encoding: 'utf8', cwd: folder }).stdout
}

beforeAll(() => {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  emitted = mkdtempSync(join(cache, 'docket-declarations-'))
  const fixtures = join(root, 'test/types/fixtures')
  emission = compile(emitted, { ...options, outDir: emitted }, [join(fixtures, 'users.ts')])
  const consumers = ['equal.ts', 'calls-right.ts', 'graphs-right.ts', 'calls-wrong.ts']
  for (const file of consumers) copyFileSync(join(fixtures, file), join(emitted, 'test/types/fixtures', file))
  consumption = compile(
    emitted,
    { noUnusedLocals: false },
    consumers.map((file) => join(emitted, 'test/types/fixtures', file)),
  )
})

afterAll(() => rmSync(emitted, { recursive: true, force: true }))

test('declarations of an exported graph can be emitted', () => {
  expect(emission).toBe('')
})

test('a graph that is known from its declaration file is checked as one known from its source', () => {
  const lines = consumption.split('\n').filter((line) => /^\S+\(\d+,\d+\): error/.test(line))
  expect(lines.filter((line) => !line.includes('calls-wrong.ts('))).toEqual([])
  expect(consumption).toContain(String.raw`no step of graph \"users\" produces \"Twin\"`)
  expect(consumption).toContain("Property 'UserID' is missing in type '{}'")
  expect(consumption).toContain(String.raw`no input of \"EnrichedUser\" is named \"Lokale\"`)
})
