import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { childProgram } from '../child-program.ts'
import { freePort } from '../servers/free-port.ts'
import { serverUrl } from '../servers/server-url.ts'
import { fixtures } from './call-cli.ts'
import { openShop, orders, Receipt, useStore } from './fixtures/shop.ts'

const folder = mkdtempSync(join(tmpdir(), 'docket-cli-'))
const file = join(folder, 'shop.db')
const program = childProgram(resolve(import.meta.dirname, '../../src/cli/main.ts'))
const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...inherited } = process.env
const env = { ...inherited, SHOP_FILE: file }
const config = ['--config', join(fixtures, 'docket.config.ts')]

beforeAll(async () => {
  useStore(sqliteStore(file))
  await using shop = openShop({ work: false })
  const inputs = { Order: { id: 'x' } }
  await shop.startMany(
    orders,
    Receipt,
    Array.from({ length: 2_000 }, (_, i) => ({ id: `order:${i}`, inputs, ...(i % 2 === 0 && { key: 'unread' }) })),
  )
})
afterAll(() => {
  useStore()
  rmSync(folder, { recursive: true })
})

test('a reader that has enough is no failure: docket list --all --json | head -1 exits with 0', () => {
  const command = `set -o pipefail; "$0" "$1" list --all --json --store "$2" | head -1`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, program, file], {
    encoding: 'utf8',
    env,
  })
  expect({ status, stderr, lines: stdout.trim().split('\n').length }).toEqual({ status: 0, stderr: '', lines: 1 })
  expect(JSON.parse(stdout)).toMatchObject({ status: 'pending' })
})

test.each(['show', 'events'])(
  'docket %s --follow ends as soon as nobody reads of it, whether there is more to say or not',
  (command) => {
    const line = `set -o pipefail; "$0" "$1" ${command} order:1 --follow --json --store "$2" | head -1`
    const options = { encoding: 'utf8', env, timeout: 30_000 } as const
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, program, file], options)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ id: 'order:1' })
  },
)

test('docket run ends as soon as nobody reads of it, and leaves its execution to others', async () => {
  const argv = `run orders Approved -i 'Order={"id":"1"}' --id unheard --config "$2"`
  const line = `"$0" --conditions=docket-source "$1" ${argv} 2>&1 | head -1; echo "\${PIPESTATUS[0]}"`
  const options = { encoding: 'utf8', env, timeout: 30_000 } as const
  const { stdout } = spawnSync('bash', ['-c', line, process.execPath, program, config[1]!], options)
  expect(stdout).toBe('  Pay runs\n130\n')
  useStore(sqliteStore(file))
  await using shop = openShop({ work: false })
  // How far it came before the reader had gone is a matter of milliseconds.
  const { status, owner } = await (await shop.get('unheard'))!.info()
  expect({ isOpen: status === 'running' || status === 'waiting', owner }).toEqual({ isOpen: true, owner: undefined })
  await shop.delete('unheard')
})

test('docket show --follow goes on while somebody reads of it, whoever that is by now', async () => {
  const handingOn = 'cat <&0 > /dev/null & sleep 0.7; exec 0< /dev/null; wait'
  const line = `"$0" "$1" show order:3 --follow --json --store "$2" | bash -c '${handingOn}'`
  const child = spawn('bash', ['-c', line, process.execPath, program, file], { env, detached: true })
  const ended = once(child, 'exit')
  child.stdout.resume()
  expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1_700, 'goes on'))])).toBe('goes on')
  process.kill(-child.pid!, 'SIGINT')
  await ended
})

test('a full disk is a failure, which is said in a line', () => {
  for (const [argv, code] of [
    ['list --all', 1],
    ['cancel nobody --yes --json', 3],
  ]) {
    const command = `"$0" "$1" ${argv} --store "$2" > /dev/full`
    const { status, stderr } = spawnSync('bash', ['-c', command, process.execPath, program, file], {
      encoding: 'utf8',
      env,
    })
    expect(stderr).toBe('error: the results can’t be written: ENOSPC: no space left on device, write\n')
    expect(status).toBe(code)
  }
})

test('an act is done to its end, whether anybody reads of it or not', async () => {
  const command = `"$0" "$1" cancel --key unread --yes --json --store "$2" 2>/dev/null | head -1`
  const { stdout } = spawnSync('bash', ['-c', command, process.execPath, program, file], { encoding: 'utf8', env })
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'cancelled' })
  useStore(sqliteStore(file))
  await using shop = openShop({ work: false })
  expect(await shop.count({ key: 'unread' })).toEqual({ cancelled: { count: 1_000, isMore: false } })
})

test.each([
  ['ts', 'Expression expected'],
  ['js', "Unexpected token '='"],
])('a configuration in .%s that can’t be read is named with the line', (extension, problem) => {
  const broken = join(folder, `broken.m${extension}`)
  writeFileSync(broken, 'export const one = 1\nexport const two = = 2\n')
  const { status, stderr } = spawnSync(process.execPath, [program, 'list', '--config', broken], {
    encoding: 'utf8',
    env,
  })
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: `error: ${broken} can’t be loaded: ${broken}:2: ${problem}\n`,
  })
})

test.each([
  ['./broken.ts', /can’t be loaded: \S*broken\.ts:2: Expression expected\n$/],
  ['./broken.mjs', /can’t be loaded: a file that it imports: Unexpected token '='\n$/],
  [
    './none',
    /can’t be loaded: Cannot find module '\S*none' .*; Node runs TypeScript as it is, so imports of files end in \.ts\n$/,
  ],
  ['nobodys-package', /can’t be loaded: Cannot find package 'nobodys-package' imported from \S*docket\.config\.ts\n$/],
])('what a configuration imports (%s) and can’t is named', (imported, message) => {
  for (const name of ['broken.ts', 'broken.mjs'])
    writeFileSync(join(folder, name), 'export const one = 1\nexport const two = = 2\n')
  const importing = join(folder, 'docket.config.ts')
  writeFileSync(importing, `import '${imported}'\n`)
  const { status, stderr } = spawnSync(process.execPath, [program, 'list', '--config', importing], {
    encoding: 'utf8',
    env,
  })
  expect(stderr).toMatch(message)
  expect(status).toBe(2)
})

test('an error as JSON has the code of what went wrong', async () => {
  const store = `postgres://127.0.0.1:${await freePort()}/none`
  const { status, stderr } = spawnSync(process.execPath, [program, 'list', '--json', '--store', store], {
    encoding: 'utf8',
    env,
  })
  expect({ status, said: JSON.parse(stderr) as unknown }).toMatchObject({
    status: 5,
    said: { error: { code: 'STORE_FAILED' }, exitCode: 5 },
  })
})

test('all that is written arrives, also in a pipe that is read slowly', () => {
  const command = `"$0" "$1" list --all --json --store "$2" | (sleep 0.3; wc -l)`
  const { stdout } = spawnSync('bash', ['-c', command, process.execPath, program, file], { encoding: 'utf8', env })
  expect(stdout.trim()).toBe('2000')
})

function configOf(name: string, text: string): string {
  const path = join(folder, `${name}.config.ts`)
  writeFileSync(path, text)
  return path
}

function listBy(path: string): readonly string[] {
  return ['--conditions=docket-source', program, 'list', '--config', path]
}

describe('a configuration', () => {
  test.each([
    ['module', 'await new Promise(() => {})\nexport const docket = () => {}'],
    ['function', 'export const docket = () => new Promise(() => {})'],
  ])('whose %s waits for what never comes exits with 2, and says so', (name, text) => {
    const { status, stderr } = spawnSync(process.execPath, listBy(configOf(name, text)), { encoding: 'utf8', env })
    expect(stderr).toMatch(/^error: .*\.config\.ts waits for a promise that nothing is left to settle\n$/)
    expect(status).toBe(2)
  })

  test.each([
    ['slow-module', "console.error('loading')\nawait new Promise((end) => setTimeout(end, 1e9))"],
    [
      'slow-function',
      "export const docket = () => new Promise((end) => (console.error('loading'), setTimeout(end, 1e9)))",
    ],
  ])('that takes its time (%s) is interrupted by the first SIGINT', async (name, text) => {
    const child = spawn(process.execPath, listBy(configOf(name, text)), { env })
    const ended = once(child, 'exit')
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += String(chunk)
      if (said === 'loading\n') child.kill('SIGINT')
    })
    expect(await ended).toEqual([130, null])
    expect(said).toMatch(/^loading\nerror: interrupted while .*\.config\.ts was loaded\n$/)
  })
})

test('a wrong call exits with 2, an interrupted one with 130, at once after a second SIGINT, and a stderr that is closed is no failure', async () => {
  expect(spawnSync(process.execPath, [program, 'lst'], { env }).status).toBe(2)
  const child = spawn(
    process.execPath,
    ['--conditions=docket-source', program, 'run', 'orders', 'Approved', '-i', 'Order={"id":"1"}', ...config],
    { env },
  )
  const ended = once(child, 'exit')
  let [said, isWaiting] = ['', false]
  child.stderr.on('data', (chunk) => {
    said += String(chunk)
    if (!said.includes('Approval waits') || isWaiting) return
    isWaiting = true
    // Nothing but the execution keeps it alive until then.
    setTimeout(() => {
      child.kill('SIGINT')
      child.kill('SIGINT')
    }, 500)
  })
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
  // The second one may find it at its end, where nobody listens to signals any more. A shell says 130 then, too.
  expect(signal === 'SIGINT' ? 130 : code).toBe(130)
  const unheard = spawn('bash', ['-c', '"$0" "$1" list --all --store "$2" 2>&-', process.execPath, program, file], {
    env,
  })
  unheard.stdout.resume()
  expect(await once(unheard, 'exit')).toEqual([0, null])
})

test('a worker whose terminal is closed hands over what it runs, however often it hears of that', async () => {
  const child = spawn(process.execPath, ['--conditions=docket-source', program, 'worker', ...config], { env })
  const ended = once(child, 'exit')
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += String(chunk)
    // The system says so, and the shell.
    if (said.startsWith('closing')) child.kill('SIGHUP')
  })
  let results = ''
  child.stdout.on('data', (chunk) => {
    results += String(chunk)
    if (results.startsWith('worker of')) child.kill('SIGHUP')
  })
  expect(await ended).toEqual([0, null])
  expect(results).toMatch(/\nclosed\n$/)
})

test('docket run says of a store that can’t be reached what the other commands say, in a line, and at once', () => {
  const path = join(fixtures, 'nowhere.config.ts')
  const argv = ['--conditions=docket-source', program, 'run', 'orders', 'Receipt', '-i', 'Order={"id":"1"}', '--config']
  const { status, stderr } = spawnSync(process.execPath, [...argv, path], { encoding: 'utf8', env })
  expect(stderr).toMatch(/^error: postgres store: can't reach postgres at 127\.0\.0\.1:1\/none: ECONNREFUSED.*\n$/)
  expect(status).toBe(5)
})

test('what is wrong with a store is said once, and not as a warning besides', async () => {
  const url = new URL(await serverUrl('postgres'))
  url.pathname = '/nowhere'
  const options = { encoding: 'utf8', env } as const
  const { status, stderr } = spawnSync(process.execPath, [program, 'list', '--store', url.href], options)
  expect({ status, stderr }).toEqual({
    status: 5,
    stderr: 'error: postgres store: database "nowhere" does not exist\n',
  })
})

test('docket worker says at once that it waits for a store that can’t be reached, and for which', async () => {
  const argv = ['--conditions=docket-source', program, 'worker', '--config', join(fixtures, 'nowhere.config.ts')]
  const child = spawn(process.execPath, argv, { env })
  const ended = once(child, 'exit')
  let [said, results] = ['', '']
  child.stdout.on('data', (chunk) => void (results += String(chunk)))
  child.stderr.on('data', (chunk) => {
    if (said === '') child.kill('SIGINT')
    said += String(chunk)
  })
  expect(await ended).toEqual([0, null])
  expect(said).toMatch(
    /^waiting for the store: postgres store: can't reach postgres at 127\.0\.0\.1:1\/none: .*\nclosing/,
  )
  expect(results).toBe('closed\n')
})
