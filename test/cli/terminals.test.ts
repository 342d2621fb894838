import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { cli, fixtures } from './call-cli.ts'

const hostile = ['--config', join(fixtures, 'hostile.config.ts')]
const name = '\u001b[2J<img onerror=alert(1)>\u202e\u0007'
const unsafe = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u

test('names and messages of strangers are shown as text, on one line and cut, in tables and in JSON', async () => {
  const run = await cli(['run', name, name, '--id', `id${name}`, ...hostile])
  expect(run.code).toBe(1)
  const calls = [['list'], ['show', `id${name}`], ['events', `id${name}`], ['show', 'no\u001b[2J'], ['queues', 'list']]
  for (const argv of calls)
    for (const more of [[], ['--json']]) {
      const { out, err } = await cli([...argv, ...more, ...hostile])
      expect(`${out}${err}`).not.toMatch(unsafe)
      if (more.length === 0) expect(out.length).toBeLessThan(3_000)
    }
  expect(`${run.out}${run.err}`).not.toMatch(unsafe)
  const [row] = (await cli(['list', '--json', ...hostile])).json
  expect(row).toMatchObject({ id: `id${name}`, graph: name })
  expect((await cli(['list', ...hostile])).out).toContain('\\u001b[2J<img onerror=alert(1)>\\u202e\\u0007')
})

describe('a call that is wrong', () => {
  test.each([
    [['lst'], /unknown command 'lst'.*\n.*Did you mean list/],
    [['list', '--jsn'], /unknown option '--jsn'.*\n.*Did you mean --json/],
    [['list', '--status', 'faild'], /there is no status "faild"; did you mean "failed"\?/],
    [['list', '--limit', '0'], /whole number of at least 1/],
    [['list', '--limit', '5', '--all'], /--limit or --all/],
    [['list', '--from', 'yesterday'], /"yesterday" is no time/],
    [['list', '--waits-for', 'Approval'], /signal:NAME/],
    [['list', 'more'], /too many arguments/],
    [['show'], /missing required argument 'id'/],
    [['schedules', 'puse', 'x'], /^error: unknown command 'puse'; did you mean "pause"\?\n$/],
    [['queues', 'gpu'], /^error: unknown command 'gpu'\n$/],
    [['queues', '--json', 'paus', 'gpu'], /^error: unknown command 'paus'; did you mean "pause"\?\n$/],
    [['completion', 'bsh'], /did you mean "bash"\?/],
    [['list', '--config', 'nowhere.ts'], /there is no configuration at/],
    [['list', '--store', 'ftp://x'], /must be a path of SQLite, or begin with/],
    [['list', '--store', 'x.db', '--config', 'y'], /--store or --config/],
    [['list', '--store', 'sqlite:x', '--schema', 'y'], /--schema is for postgres/],
    [['list'], /no docket\.config\.ts here or above, and no --store/],
  ])('%j exits with 2, writes nothing on stdout and says what to do', async (argv, message) => {
    const { code, out, err } = await cli(argv, { cwd: '/' })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })

  test('is JSON on stderr with --json', async () => {
    const { err } = await cli(['show', 'x', '--json', '--store', 'sqlite:nowhere.db'])
    expect(JSON.parse(err)).toMatchObject({ exitCode: 3, error: { message: expect.stringMatching(/no SQLite file/) } })
  })
})

test('--help and --version exit with 0, and every command has its help', async () => {
  expect(await cli(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  expect((await cli(['--help'])).out).toMatch(/Exit codes: 0 done, 1 the execution failed/)
  for (const { usage, summary } of commands) {
    const words = usage.split(' ').filter((word) => /^[a-z]/.test(word))
    const { code, out } = await cli([...words, '--help'])
    expect(code).toBe(0)
    expect(out.replaceAll(/\s+/g, ' ')).toContain(summary)
  }
})

describe('completion', () => {
  test('of bash completes commands, words of groups and options', async () => {
    const { out } = await cli(['completion', 'bash'])
    const complete = (...words: readonly string[]): readonly string[] => {
      const script = `${out}\nCOMP_WORDS=(docket ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _docket; echo "\${COMPREPLY[@]}"`
      const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
      expect(stderr).toBe('')
      return stdout.trim().split(' ')
    }
    expect(complete('li')).toEqual(['list'])
    expect(complete('schedules', 'p')).toEqual(['pause'])
    expect(complete('--json', 'list', '--st')).toEqual(['--status', '--store'])
  })

  test('of zsh and fish has every command', async () => {
    const [zsh, fish] = await Promise.all([cli(['completion', 'zsh']), cli(['completion', 'fish'])])
    expect(zsh.out).toMatch(/^#compdef docket\n/)
    for (const { usage } of commands)
      for (const word of usage.split(' ').filter((one) => /^[a-z]/.test(one))) {
        expect(zsh.out).toContain(word)
        expect(fish.out).toContain(word)
      }
  })
})
