import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix, resolve } from 'node:path'
import { guides } from './guides.ts'

const root = resolve(import.meta.dirname, '../..')

/** The pages of the site, by path from its root: the documents of the repository as they are, but for links that lead elsewhere there. */
export function sitePages(): ReadonlyMap<string, string> {
  const documents = [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'machines/README.md',
    'examples/README.md',
    ...filesIn('docs', (name) => name.endsWith('.md')),
  ]
  const pages = new Map<string, string>()
  for (const path of documents) pages.set(pageOf(path), asPage(path, read(path)))
  for (const path of filesBelow('examples')) if (isSource(path)) pages.set(pageOf(path), sourcePage(path, read(path)))
  for (const folder of foldersBelow('examples')) pages.set(pageOf(folder), folderPage(folder))
  return pages
}

/** `README.md` is what its folder shows, and a source is a page of its own. */
function pageOf(path: string): string {
  if (path.endsWith('README.md')) return path.replace(/README\.md$/, 'index.md')
  if (path.endsWith('.md')) return path
  return isFolder(path) ? `${path}/index.md` : `${path}.md`
}

/** A document as a page. Comments that say where snippets are from are for those who write. */
function asPage(path: string, text: string): string {
  return outsideOfCode(text.replaceAll(/^<!-- .*? -->\n\n?/gm, ''), (prose) =>
    prose.replaceAll(
      /(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)/g,
      (link, bang: string, label: string, target: string, anchor = '') => {
        const to = posix.join(dirname(path), target).replace(/\/$/, '')
        if (bang !== '' || !existsSync(join(root, to))) return link
        // Of a file that is no page, like the license, the name is left.
        return isOnSite(to) ? `[${label}](/${pageOf(to)}${anchor})` : label
      },
    ),
  )
}

function isOnSite(path: string): boolean {
  return path.endsWith('.md') || (path.startsWith('examples') && (isFolder(path) || isSource(path)))
}

/** Changes what is prose: neither fenced blocks nor code within a line. */
function outsideOfCode(text: string, change: (prose: string) => string): string {
  return text
    .split(/(^```[^]*?^```$)/gm)
    .map((part, index) => (index % 2 === 1 ? part : aroundCode(part, change)))
    .join('')
}

function aroundCode(prose: string, change: (prose: string) => string): string {
  const spans: string[] = []
  const masked = prose.replaceAll(/`[^`\n]+`/g, (span) => `␀${spans.push(span) - 1}␀`)
  return change(masked).replaceAll(/␀(\d+)␀/g, (_, index: string) => spans[Number(index)]!)
}

/** Whether a file of the examples is a page. */
function isSource(path: string): boolean {
  return /\.([cm]?[jt]sx?|json|proto|sql|ya?ml)$/.test(path)
}

function sourcePage(path: string, text: string): string {
  const language = /\.([cm]?[jt]sx?|json|proto|sql)$/.exec(path)?.[1] ?? ''
  const [title, fence] = [path.replace('examples/', ''), '````']
  return `# ${title}\n\n[All examples](/examples/index.md)\n\n${fence}${language}\n${text.replaceAll(/^\s*\/\/ #(?:end)?region.*\n/gm, '')}${fence}\n`
}

function folderPage(folder: string): string {
  const inside = readdirSync(join(root, folder)).filter((name) => isSource(name) || isFolder(`${folder}/${name}`))
  const links = inside.map((name) => `- [${name}](/${pageOf(`${folder}/${name}`)})`)
  return `# ${folder.replace('examples/', '')}\n\n[All examples](/examples/index.md)\n\n${links.join('\n')}\n`
}

/** What `llms.txt` is: a page for programs that read, with a link and a sentence for each guide. https://llmstxt.org */
export function llmsText(): string {
  const lines = Object.entries(guides).flatMap(([title, names]) => [
    `\n## ${title}\n`,
    ...names.map((name) => {
      const { heading, sentence } = headOf(read(`docs/${name}.md`))
      return `- [${heading}](/docs/${name}.md): ${sentence}`
    }),
  ])
  const { sentence } = headOf(read('README.md'))
  return `# Docket\n\n> ${sentence}\n\nAll of it on one page: [llms-full.txt](/llms-full.txt). Each page of the site is there as Markdown too, with \`.md\` at its end.\n${lines.join('\n')}\n\n## Examples\n\n- [Examples](/examples/index.md): programs that the tests run\n`
}

/** What `llms-full.txt` is: README and guides, one after another. Decisions and the changelog are history, and left out. */
export function llmsFullText(): string {
  const names = Object.values(guides).flat()
  const paths = ['README.md', ...names.filter((name) => name !== 'decisions').map((name) => `docs/${name}.md`)]
  return paths.map((path) => `<!-- ${path} -->\n\n${read(path).trim()}\n`).join('\n')
}

/** The first heading of a document, and the first sentence below it, as plain text. */
function headOf(text: string): { readonly heading: string; readonly sentence: string } {
  const [, heading = '', rest = ''] = /^# (.+)\n+([^]*)/.exec(text) ?? []
  const prose = rest.replaceAll(/^```[^]*?^```$/gm, '')
  const paragraph = prose.split(/\n\n/).find((part) => /^[A-Z`*[]/.test(part)) ?? ''
  const plain = paragraph.replaceAll('\n', ' ').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  return { heading, sentence: /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, '.') ?? plain }
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function isFolder(path: string): boolean {
  return existsSync(join(root, path)) && statSync(join(root, path)).isDirectory()
}

function filesIn(folder: string, isWanted: (name: string) => boolean): readonly string[] {
  return readdirSync(join(root, folder))
    .filter(isWanted)
    .map((name) => `${folder}/${name}`)
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
}

function foldersBelow(folder: string): readonly string[] {
  return [...new Set(filesBelow(folder).map((path) => dirname(path)))].filter((path) => path !== folder)
}
