import { describe, expect, test } from 'vitest'
import { classifyLicence, declaredLicence, licenceFileOf } from '../../../examples/dependency-report/licence.ts'

const declared = (expression: string) => classifyLicence({ declared: expression, text: null })

describe('classifyLicence', () => {
  test.each([
    ['MIT', 'permissive'],
    ['(Apache-2.0 AND BSD-3-Clause)', 'permissive'],
    ['BlueOak-1.0.0', 'permissive'],
    ['MPL-2.0', 'weak copyleft'],
    ['LGPL-2.1-or-later', 'weak copyleft'],
    ['GPL-3.0-only', 'strong copyleft'],
    ['GPL-2.0+', 'strong copyleft'],
    ['AGPL-3.0-only', 'strong copyleft'],
    ['UNLICENSED', 'proprietary'],
    ['BUSL-1.1', 'proprietary'],
    ['LicenseRef-ours', 'unknown'],
    ['whatever you like', 'unknown'],
    ['', 'unknown'],
  ])('%s is %s', (expression, category) => {
    expect(declared(expression).category).toBe(category)
  })

  test.each([
    ['MIT OR GPL-3.0-only', 'permissive'],
    ['MIT AND GPL-3.0-only', 'strong copyleft'],
    ['MIT OR (GPL-3.0-only AND MPL-2.0)', 'permissive'],
    ['(MIT OR GPL-3.0-only) AND MPL-2.0', 'weak copyleft'],
    ['MIT AND LicenseRef-ours', 'unknown'],
    ['MIT OR LicenseRef-ours', 'permissive'],
  ])('OR takes the mildest and AND the strictest: %s is %s', (expression, category) => {
    expect(declared(expression).category).toBe(category)
  })

  test('a linking exception softens the GPL, and does not touch other licences', () => {
    expect(declared('GPL-2.0-only WITH Classpath-exception-2.0').category).toBe('weak copyleft')
    expect(declared('Apache-2.0 WITH LLVM-exception').category).toBe('permissive')
    expect(declared('GPL-3.0-only WITH Autoconf-exception-3.0').category).toBe('strong copyleft')
  })

  test('expressions that mean the same are written the same', () => {
    expect(declared('(MIT)').expression).toBe('MIT')
    expect(declared('((MIT OR ISC) AND (Zlib))').expression).toBe('(MIT OR ISC) AND Zlib')
    expect(declared('MIT or (GPL-2.0+ AND ISC)').expression).toBe('MIT OR GPL-2.0+ AND ISC')
  })

  test.each([
    ['Apache 2.0', 'Apache-2.0'],
    ['Apache License, Version 2.0', 'Apache-2.0'],
    ['mit', 'MIT'],
    ['The MIT License', 'MIT'],
    ['BSD', 'BSD-3-Clause'],
    ['BSD-2', 'BSD-2-Clause'],
    ['GPLv2', 'GPL-2.0-only'],
    ['LGPLv3', 'LGPL-3.0-only'],
    ['MIT/X11', 'MIT OR X11'],
  ])('the old spelling "%s" means %s', (old, modern) => {
    expect(declared(old).expression).toBe(modern)
    expect(declared(old).category).toBe(
      modern.startsWith('GPL') ? 'strong copyleft' : modern.startsWith('LGPL') ? 'weak copyleft' : 'permissive',
    )
  })

  test('a text is judged where the declaration points to one, or where there is none', () => {
    const mit = 'Copyright us\n\nPermission is hereby granted, free of charge, to any person'
    expect(classifyLicence({ declared: 'SEE LICENSE IN LICENSE.txt', text: mit })).toEqual({
      expression: 'MIT',
      category: 'permissive',
    })
    expect(classifyLicence({ declared: null, text: mit })).toEqual({ expression: 'MIT', category: 'permissive' })
    expect(classifyLicence({ declared: null, text: 'GNU AFFERO GENERAL PUBLIC LICENSE' }).category).toBe(
      'strong copyleft',
    )
    expect(classifyLicence({ declared: 'SEE LICENSE IN EULA', text: '(c) us. All rights reserved.' })).toEqual({
      expression: 'SEE LICENSE IN EULA',
      category: 'proprietary',
    })
    expect(classifyLicence({ declared: null, text: 'do as you like' })).toEqual({
      expression: null,
      category: 'unknown',
    })
    expect(classifyLicence({ declared: null, text: null })).toEqual({ expression: null, category: 'unknown' })
  })
})

describe('declaredLicence', () => {
  test.each([
    [{ license: 'MIT' }, 'MIT'],
    [{ license: ' MIT ' }, 'MIT'],
    [{ license: { type: 'ISC', url: 'https://x' } }, 'ISC'],
    [{ licenses: [{ type: 'MIT' }, { type: 'Apache 2.0' }] }, 'MIT OR Apache-2.0'],
    [{ licenses: [{ type: 'GPL-2.0-only AND MIT' }, 'ISC'] }, '(GPL-2.0-only AND MIT) OR ISC'],
    [{ license: ['MIT'] }, 'MIT'],
    [{ licenses: { type: 'MIT' } }, 'MIT'],
    [{ license: '' }, null],
    [{ license: 7 }, null],
    [{ licenses: [] }, null],
    [{}, null],
  ])('%j declares %j', (manifest, expression) => {
    expect(declaredLicence(manifest)).toBe(expression)
  })
})

test('the file behind SEE LICENSE IN is found in all its spellings', () => {
  expect(licenceFileOf('SEE LICENSE IN LICENSE.txt')).toBe('LICENSE.txt')
  expect(licenceFileOf('see licence in ./EULA.md')).toBe('EULA.md')
  expect(licenceFileOf('SEE LICENSE IN the LICENSE file')).toBe('LICENSE file')
  expect(licenceFileOf('MIT')).toBeUndefined()
})
