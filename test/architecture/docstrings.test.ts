import { expect, test } from 'vitest'
import { entryFiles, publicNamesOf } from './docstrings.ts'

const names = entryFiles().flatMap(publicNamesOf)

test('the public names are found, with their members', () => {
  const found = names.map(({ name }) => name)
  expect(found).toEqual(
    expect.arrayContaining([
      'execute',
      'BatchOptions.concurrency',
      'Docket.start',
      'StepError',
      'sqliteStore',
      'stepMachine',
      'encryption',
      'storeConformance',
    ]),
  )
})

test('every public name, each of its fields and each of its methods has a docstring', () => {
  expect(names.filter(({ docstring }) => docstring === undefined).map(({ name, file }) => `${file}: ${name}`)).toEqual(
    [],
  )
})

test('the docstring of every option that may be left out says what holds then', () => {
  const isOption = /(?:Options|Policy|Defaults|Query|Filter)\./
  const silent = names.filter(
    ({ name, isOptional, docstring }) =>
      isOptional && isOption.test(name) && !/@default|Left out,/.test(docstring ?? ''),
  )
  expect(silent.map(({ name, file }) => `${file}: ${name}`)).toEqual([])
})
