import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

type Trouble = 'missing' | 'throws' | 'needs another' | 'bundled'

/** What opening a store says in a process in which packages are in trouble: not there at all, broken, or without what they need. */
async function openWith(make: string, trouble: Readonly<Record<string, Trouble>>): Promise<string> {
  const program = `
    import { registerHooks } from 'node:module'
    const trouble = ${JSON.stringify(trouble)}
    const sources = {
      throws: "throw new Error('libpq is too old')",
      'needs another': "import 'what-nobody-has'",
      bundled: "throw new Error('Dynamic require of \\"events\\" is not supported')",
    }
    registerHooks({
      resolve(specifier, context, next) {
        const how = trouble[specifier.split('/')[0]]
        if (how === undefined) return next(specifier, context)
        if (how === 'missing') return next(specifier, { ...context, parentURL: 'file:///' })
        return { url: 'file:///broken/' + specifier + '?' + how, format: 'module', shortCircuit: true }
      },
      load(url, context, next) {
        if (!url.startsWith('file:///broken/')) return next(url, context)
        const how = decodeURI(new URL(url).search.slice(1))
        return { format: 'module', source: sources[how], shortCircuit: true }
      },
    })
    const stores = await Promise.all(['postgres', 'mysql', 'redis'].map((name) => import('docket/stores/' + name)))
    const { postgresStore, mysqlStore, redisStore } = Object.assign({}, ...stores)
    console.log(await ${make}.open().then(() => 'it was opened', (error) => error.code + ': ' + error.message))`
  const { stdout } = await run(process.execPath, [
    '--conditions=docket-source',
    '--input-type=module',
    '--eval',
    program,
  ])
  return stdout.trim()
}

const stores = [
  ["postgresStore('postgres://localhost/x')", 'pg'],
  ["mysqlStore('mysql://localhost/x')", 'mysql2'],
  ['redisStore()', 'ioredis'],
  ['redisStore()', 'msgpackr'],
] as const

test.each(stores)('%s without the package %s says what to install', async (make, name) => {
  expect(await openWith(make, { [name]: 'missing' })).toContain(`it needs the package ${name}: npm install ${name}`)
})

test.each(stores)('%s with a package %s that throws when it is loaded gives the reason', async (make, name) => {
  const message = await openWith(make, { [name]: 'throws' })
  expect(message).toContain(`the package ${name} is installed, but can't be loaded: libpq is too old`)
  expect(message).not.toContain('npm install')
})

test.each(stores)('%s with a package %s that lacks another one names that', async (make, name) => {
  const message = await openWith(make, { [name]: 'needs another' })
  expect(message).toContain(`the package ${name} is installed, but can't be loaded: Cannot find package`)
  expect(message).toContain('what-nobody-has')
})

test.each(stores)('%s with a package %s in a bundle of ES modules says to keep it out of that', async (make, name) => {
  expect(await openWith(make, { [name]: 'bundled' })).toContain(
    `the package ${name} is installed, but can't be loaded: Dynamic require of "events" is not supported; keep the driver out of the bundle (--external:${name})`,
  )
})

test('both packages that Redis lacks are named at once', async () => {
  expect(await openWith('redisStore()', { ioredis: 'missing', msgpackr: 'missing' })).toContain(
    'npm install ioredis msgpackr',
  )
})
