/**
 * What a licence asks of those who use the package. Pure functions; `report.ts` makes a step of `classifyLicence` that is
 * remembered (`persist: 'global'`), since hundreds of packages make a handful of different claims.
 */
import parseExpression from 'spdx-expression-parse'
import type { Licence, LicenceCategory, LicenceClaim } from './data-types.ts'

/** From the one that asks for least to the one that asks for most; of `unknown` the worst is assumed. */
const strictness: readonly LicenceCategory[] = [
  'permissive',
  'weak copyleft',
  'strong copyleft',
  'proprietary',
  'unknown',
]

/** SPDX identifiers by how they begin. What none of these matches is `unknown`: somebody has to read it. */
const families: readonly (readonly [LicenceCategory, RegExp])[] = [
  ['proprietary', /^(?:BUSL|Elastic|PolyForm|CC-BY-NC|CC-BY-ND)-/],
  ['strong copyleft', /^(?:A?GPL|SSPL|OSL|EUPL|CECILL-\d|CC-BY-SA|RPL|QPL|Sleepycat)/],
  ['weak copyleft', /^(?:LGPL|MPL|EPL|CDDL|CPL|IPL|APSL|CECILL-C|MS-RL|ErlPL|OFL)/],
  [
    'permissive',
    /^(?:0BSD|AFL|Apache|Artistic-2|BlueOak|BSD|BSL-1|CC-BY-\d|CC0|CECILL-B|curl|FTL|HPND|ICU|ISC|JSON|libpng|MIT|MS-PL|NCSA|OpenSSL|PHP|PostgreSQL|PSF|Python|Ruby|TCL|Unicode|Unlicense|UPL|W3C|WTFPL|X11|Zlib|ZPL)/,
  ],
]

/** Exceptions that let other code link to a GPL library without becoming GPL itself. */
const linkingException =
  /^(?:Classpath|GCC|GNU-|GPL-3\.0-linking|LGPL-3\.0-linking|OpenJDK|WxWindows|eCos|freertos|mif|i2p-gpl-java)/i

/** What people wrote before SPDX identifiers were the rule. */
const oldNames: readonly (readonly [RegExp, string])[] = [
  [/^(?:the )?mit(?: licen[cs]e)?$/i, 'MIT'],
  [/^(?:the )?isc(?: licen[cs]e)?$/i, 'ISC'],
  [/^apache(?:[- ]licen[cs]e)?,?(?:[- ]?(?:v|version )?2(?:\.0)?)?(?:[- ]licen[cs]e)?$/i, 'Apache-2.0'],
  [/^(?:(?:new|modified)[- ])?bsd(?:[- ]3(?:[- ]clause)?)?(?: licen[cs]e)?$/i, 'BSD-3-Clause'],
  [/^(?:simplified[- ])?bsd(?:[- ]2(?:[- ]clause)?)?(?: licen[cs]e)?$/i, 'BSD-2-Clause'],
  [/^(?:the )?unlicen[cs]e$/i, 'Unlicense'],
  [/^cc0(?:[- ]1\.0)?$/i, 'CC0-1.0'],
  [/^wtfpl(?:[- ]?v?2)?$/i, 'WTFPL'],
  [/^mpl[- ]?v?2(?:\.0)?$/i, 'MPL-2.0'],
  [/^lgpl[- ]?v?2\.1$/i, 'LGPL-2.1-only'],
  [/^lgpl(?:[- ]?v?3(?:\.0)?)?$/i, 'LGPL-3.0-only'],
  [/^agpl(?:[- ]?v?3(?:\.0)?)?$/i, 'AGPL-3.0-only'],
  [/^gpl[- ]?v?2(?:\.0)?$/i, 'GPL-2.0-only'],
  [/^gpl(?:[- ]?v?3(?:\.0)?)?$/i, 'GPL-3.0-only'],
]

/** Sentences by which the text of a licence is known; the more special before the more general. */
const openings: readonly (readonly [RegExp, string])[] = [
  [/GNU AFFERO GENERAL PUBLIC LICENSE/i, 'AGPL-3.0-only'],
  [/GNU (?:LESSER|LIBRARY) GENERAL PUBLIC LICENSE/i, 'LGPL-3.0-only'],
  [/GNU GENERAL PUBLIC LICENSE/i, 'GPL-3.0-only'],
  [/Mozilla Public License,? v(?:ersion|\.)? ?2/i, 'MPL-2.0'],
  [/Apache License,?\s+Version 2/i, 'Apache-2.0'],
  [/Permission is hereby granted, free of charge/i, 'MIT'],
  [/Permission to use, copy, modify, and(?:\/or)? distribute this software/i, 'ISC'],
  [/Redistribution and use in source and binary forms[\s\S]*Neither the name/i, 'BSD-3-Clause'],
  [/Redistribution and use in source and binary forms/i, 'BSD-2-Clause'],
  [/free and unencumbered software released into the public domain/i, 'Unlicense'],
]

/** Judges a claim by what is declared, or by the licence's text where nothing is declared that can be judged. */
export function classifyLicence({ declared, text }: LicenceClaim): Licence {
  if (declared !== null && /^unlicensed$/i.test(declared)) return { expression: 'UNLICENSED', category: 'proprietary' }
  if (declared !== null && !pointsToFile(declared)) {
    const parsed = parseLoosely(declared)
    return parsed === undefined
      ? { expression: declared, category: 'unknown' }
      : { expression: print(parsed), category: categoryOf(parsed) }
  }
  const known = text === null ? undefined : openings.find(([sentence]) => sentence.test(text))?.[1]
  if (known !== undefined) return { expression: known, category: categoryOfId(known) }
  if (text !== null && /all rights reserved/i.test(text)) return { expression: declared, category: 'proprietary' }
  return { expression: declared, category: 'unknown' }
}

/** Whether the declaration only says where the licence is to be found. */
export function pointsToFile(declared: string): boolean {
  return licenceFileOf(declared) !== undefined
}

/** The file named by `SEE LICENSE IN <file>`. */
export function licenceFileOf(declared: string): string | undefined {
  return /^see licen[cs]e in\s+(?:the\s+)?(?:\.\/)?(\S.*)$/i.exec(declared)?.[1]
}

/**
 * The licence that a manifest declares, as one expression. Knows the old forms too: `{ type }`, and `licenses`, a list of
 * which one may choose.
 */
export function declaredLicence(manifest: { readonly license?: unknown; readonly licenses?: unknown }): string | null {
  const declared = expressionOf(manifest.license ?? manifest.licenses)
  return declared === '' ? null : declared
}

function expressionOf(value: unknown): string {
  if (typeof value === 'string') return value.trim()
  if (Array.isArray(value)) {
    const choices = value.map(expressionOf).filter((choice) => choice !== '')
    return choices.length === 1
      ? choices[0]!
      : choices.map((choice) => modernName(choice) ?? `(${choice})`).join(' OR ')
  }
  if (typeof value !== 'object' || value === null) return ''
  if ('type' in value) return expressionOf(value.type)
  return 'name' in value ? expressionOf(value.name) : ''
}

type Expression = ReturnType<typeof parseExpression>

function parseLoosely(text: string): Expression | undefined {
  for (const candidate of [text, modernName(text), text.replaceAll(/\s*\/\s*/g, ' OR ')]) {
    if (candidate === undefined) continue
    try {
      return parseExpression(candidate)
    } catch {
      // Not an SPDX expression in this spelling.
    }
  }
  return undefined
}

function modernName(text: string): string | undefined {
  return oldNames.find(([spelling]) => spelling.test(text))?.[1]
}

/** OR leaves the choice, so the mildest counts; AND binds to both, so the strictest does. */
function categoryOf(expression: Expression): LicenceCategory {
  if ('conjunction' in expression) {
    const ranks = [expression.left, expression.right].map((side) => strictness.indexOf(categoryOf(side)))
    return strictness[expression.conjunction === 'or' ? Math.min(...ranks) : Math.max(...ranks)]!
  }
  const category = categoryOfId(expression.license)
  const isSoftened = category === 'strong copyleft' && linkingException.test(expression.exception ?? '')
  return isSoftened ? 'weak copyleft' : category
}

function categoryOfId(id: string): LicenceCategory {
  return families.find(([, family]) => family.test(id))?.[0] ?? 'unknown'
}

/** The expression with parentheses only where they change the meaning, so that equal licences are counted together. */
function print(expression: Expression): string {
  if (!('conjunction' in expression)) {
    const plus = expression.plus === true ? '+' : ''
    const exception = expression.exception === undefined ? '' : ` WITH ${expression.exception}`
    return `${expression.license}${plus}${exception}`
  }
  const sides = [expression.left, expression.right].map((side) =>
    expression.conjunction === 'and' && 'conjunction' in side && side.conjunction === 'or'
      ? `(${print(side)})`
      : print(side),
  )
  return sides.join(` ${expression.conjunction.toUpperCase()} `)
}
