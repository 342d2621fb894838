import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { generate } from '../bench/compile-time/generate.ts'

const root = join(import.meta.dirname, '../..')
// Inside the project, so that the program finds its packages; git ignores the name.
const home = mkdtempSync(join(root, '.tmp-scale-'))

afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What the compiler says of the program. */
function compile(name: string, program: string): { readonly told: string; readonly status: number | null } {
  const config = {
    extends: join(root, 'tsconfig.json'),
    // One checker: each more checks much of the libraries once more.
    compilerOptions: { noUnusedLocals: false, checkers: 1 },
    files: [`${name}.ts`],
    include: [],
    exclude: [],
  }
  writeFileSync(join(home, `${name}.ts`), program)
  writeFileSync(join(home, `${name}.json`), JSON.stringify(config))
  const compiler = join(root, 'node_modules/.bin/tsc')
  const { stdout, stderr, status } = spawnSync(compiler, ['-p', join(home, `${name}.json`), '--pretty', 'false'], {
    encoding: 'utf8',
    cwd: home,
  })
  return { told: stdout + stderr, status }
}

test('a chain of 2,000 typed steps, its graph and a call of it compile; the compile-time bench does 5,000', () => {
  const program = generate('chain', 2_000, 'execute', '../src')
  expect(program.match(/= step\(/g)).toHaveLength(2_000)
  expect(compile('right', program)).toEqual({ told: '', status: 0 })
})

test('a wrong input of the last of 500 steps in a chain is reported by its name: the types are there, not given up', () => {
  const program = generate('chain', 500, 'execute', '../src')
  const wrong = program.replace('{ Leaf0: {', '{ Leaf1: {')
  expect(wrong).not.toBe(program)
  const { told } = compile('wrong', wrong)
  expect(told).not.toContain('TS2589')
  expect(told).toContain('Leaf1')
})
