// `npm run oldest-peers`: the tests of stores, engines and codecs with the oldest drivers that `peerDependencies` allows, in a copy of the tree.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const tests = ['test/stores', 'test/engines', 'test/codecs', 'test/observers/pino.test.ts']
const drivers = ['ioredis', 'mysql2', 'pg', 'msgpackr', 'bullmq', 'pino', 'prom-client', '@bufbuild/protobuf']

const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>
}
const folder = mkdtempSync(join(tmpdir(), 'docket-oldest-'))
const tree = join(folder, 'docket')

try {
  mkdirSync(tree)
  const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n')
  for (const file of files) if (existsSync(file)) cpSync(file, join(tree, file))
  cpSync('node_modules', join(tree, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  for (const driver of drivers) useOldest(driver)
  const { status } = spawnSync('npx', ['vitest', 'run', ...tests, ...process.argv.slice(2)], {
    cwd: tree,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Its oldest version, with all that it depends on below it. */
function useOldest(driver: string): void {
  const version = /\d+(\.\d+)*/.exec(peerDependencies[driver]!)![0]
  const exact = [...version.split('.'), '0', '0'].slice(0, 3).join('.')
  const apart = join(folder, driver.replace('/', '-'))
  mkdirSync(apart)
  writeFileSync(join(apart, 'package.json'), '{}')
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', `${driver}@${exact}`], { cwd: apart })
  console.log(`${driver} ${exact}`)
  const place = join(tree, 'node_modules', driver)
  rmSync(place, { recursive: true })
  cpSync(join(apart, 'node_modules', driver), place, { recursive: true })
  for (const other of readdirSync(join(apart, 'node_modules')))
    if (driver.split('/')[0] !== other && !existsSync(join(place, 'node_modules', other)))
      cpSync(join(apart, 'node_modules', other), join(place, 'node_modules', other), { recursive: true })
}
