import { describe, expect, test } from 'vitest'
import { guides } from '../../docs/site/guides.ts'
import { llmsFullText, llmsText, sitePages } from '../../docs/site/pages.ts'
import { readSourceTexts } from '../architecture/source-file.ts'
import { documents, readDocument } from './snippets.ts'

const names = Object.values(guides).flat()
const pages = sitePages()

describe('the site', () => {
  test('has every guide in its sidebar, once', () => {
    const files = documents().flatMap((path) => /^docs\/(.*)\.md$/.exec(path)?.[1] ?? [])
    expect(names.toSorted()).toEqual(files.toSorted())
  })

  test('has a page for each document and each source of the examples, and no link between them that leads nowhere', () => {
    expect([...pages.keys()]).toEqual(
      expect.arrayContaining([
        'index.md',
        'docs/concepts.md',
        'examples/index.md',
        'examples/batch.ts.md',
        'CHANGELOG.md',
      ]),
    )
    let links = 0
    const lost: string[] = []
    for (const [path, text] of pages)
      for (const [, target = ''] of text
        .replaceAll(/^(`{3,})[^]*?^\1/gm, '')
        .matchAll(/\]\(\/([^)#]+)(?:#[^)]*)?\)/g)) {
        links++
        if (!pages.has(target)) lost.push(`${path}: ${target}`)
      }
    expect(lost).toEqual([])
    expect(links).toBeGreaterThan(300)
  })

  test('shows code as it is, without the comments that say where it is from', () => {
    expect(pages.get('index.md')).toContain("import { dataType, execute, graph, step } from 'docket'")
    expect([...pages].filter(([path, text]) => path.startsWith('docs/') && /^<!-- examples/m.test(text))).toEqual([])
    expect(pages.get('examples/from-promises.ts.md')).not.toContain('#region')
  })
})

test('no page has in its prose what Vue would work out as an expression: that fails the build of the site', () => {
  const expressions = [...pages].flatMap(([path, text]) => {
    const prose = text.replaceAll(/^(`{3,})[^]*?^\1/gm, '').replaceAll(/(`+)[^`]+\1/g, '')
    return [...prose.matchAll(/\{\{.*/g)].map(([found]) => `${path}: ${found}`)
  })
  expect(expressions).toEqual([])
})

test('no docstring has in its prose what fails the build of the API reference: an expression of Vue, or a link to a file, which lies elsewhere there', () => {
  const comments = readSourceTexts()
    .filter(({ path }) => /^(src|stores|machines)\//.test(path))
    .flatMap(({ path, text }) => Array.from(text.matchAll(/\/\*\*[^]*?\*\//g), ([comment]) => ({ path, comment })))
  const faults = comments.flatMap(({ path, comment }) => {
    // What stands below `@example` becomes a block of code.
    const prose = comment.replace(/@example[^]*?(?=\n \* @|\*\/)/, '').replaceAll(/(`+)[^`]+\1/g, '')
    return Array.from(prose.matchAll(/\{\{.*|\]\((?!https?:)[^)]*\)/g), ([found]) => `${path}: ${found}`)
  })
  expect(comments.length).toBeGreaterThan(1_000)
  expect(faults).toEqual([])
})

test('llms.txt has each guide with its heading and a sentence', () => {
  const text = llmsText()
  for (const name of names) {
    const [, heading] = /^# (.+)$/m.exec(readDocument(`docs/${name}.md`))!
    expect(text).toContain(`- [${heading}](/docs/${name}.md): `)
  }
  expect(text.split('\n').filter((line) => /\): ?$/.test(line))).toEqual([])
  const links = Array.from(text.matchAll(/\]\(\/([^)]+)\)/g), ([, target = '']) => target)
  expect(links.length).toBeGreaterThan(names.length)
  expect(links.filter((target) => !pages.has(target) && target !== 'llms-full.txt')).toEqual([])
  expect(text).not.toMatch(/```/)
})

test('llms-full.txt is the README and all guides, as they are, but for the history', () => {
  const text = llmsFullText()
  for (const path of ['README.md', ...names.filter((name) => name !== 'decisions').map((name) => `docs/${name}.md`)])
    expect(text).toContain(readDocument(path).trim())
})

test('the figures of the comparison stand in the benchmarks', () => {
  const figures = [...readDocument('docs/comparison.md').matchAll(/\d[\d,.]* (?:ns|µs|ms|steps\/s)/g)].map(
    ([figure]) => figure,
  )
  const measured = readDocument('docs/benchmarks.md')
  expect(figures.length).toBeGreaterThan(30)
  expect(figures.filter((figure) => !measured.includes(figure.replace(' steps/s', '')))).toEqual([])
})
