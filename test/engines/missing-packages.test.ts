import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { childProgram } from '../child-program.ts'

const program = childProgram(join(import.meta.dirname, 'opening-process.ts'))
const packages = join(import.meta.dirname, '../../node_modules')

/** What an engine says as it is opened in a process whose project has these packages alone: those that are installed here, or a text that is one. */
async function saidWith(
  connection: string,
  installed: Readonly<Record<string, 'installed' | string>>,
): Promise<string> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'docket-missing-')))
  cpSync(program, join(folder, 'program.mjs'))
  for (const [name, how] of Object.entries(installed)) {
    const place = join(folder, 'node_modules', name)
    mkdirSync(join(folder, 'node_modules'), { recursive: true })
    if (how === 'installed') symlinkSync(join(packages, name), place)
    else {
      mkdirSync(place)
      writeFileSync(join(place, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }))
      writeFileSync(join(place, 'index.js'), how)
    }
  }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs'), connection])
    return stdout.trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const redis = 'redis://127.0.0.1:1'
const postgres = 'postgres://127.0.0.1:1/none'

test.concurrent('an engine names the packages that are missing, and how to install what it needs', async () => {
  const said = await Promise.all([
    saidWith(redis, {}),
    saidWith(postgres, {}),
    saidWith(redis, { bullmq: 'installed' }),
    saidWith(postgres, { bullmq: 'installed' }),
    saidWith(redis, { ioredis: 'installed' }),
  ])
  expect(said).toEqual(
    [
      'it needs the packages bullmq and ioredis: npm install bullmq ioredis',
      'it needs the packages bullmq and pg: npm install bullmq pg',
      'it needs the package ioredis: npm install bullmq ioredis',
      'it needs the package pg: npm install bullmq pg',
      'it needs the package bullmq: npm install bullmq ioredis',
    ].map((problem) => `ENGINE_FAILED for good: bullmq engine: ${problem}`),
  )
})

test.concurrent('a package that is too old, or broken, counts as something else than one that is missing', async () => {
  const old = await saidWith(postgres, { bullmq: 'export const Queue = class {}', pg: 'installed' })
  expect(old).toContain('this version of bullmq has no PostgreSQL backend: npm install bullmq@latest (6.7 or newer)')
  const broken = await saidWith(redis, { bullmq: "import 'not-there'", ioredis: 'installed' })
  expect(broken).toMatch(/the package bullmq is installed, but can't be loaded: .*Cannot find package 'not-there'/)
  const dynamic = `throw new Error('Dynamic require of "events" is not supported')`
  const bundled = await saidWith(postgres, { bullmq: 'installed', pg: dynamic })
  expect(bundled).toMatch(/Dynamic require of "events" is not supported; keep .* out of the bundle \(--external:pg\)$/)
})
