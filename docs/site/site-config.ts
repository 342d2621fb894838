import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { guides } from './guides.ts'

const root = resolve(import.meta.dirname, '../..')

interface ApiItem {
  readonly text: string
  readonly link: string
}

function titleOf(name: string): string {
  return /^# (.+)$/m.exec(readFileSync(resolve(root, 'docs', `${name}.md`), 'utf8'))?.[1]?.replaceAll('`', '') ?? name
}

const apiItems = JSON.parse(
  readFileSync(resolve(import.meta.dirname, 'pages/api/items.json'), 'utf8'),
) as readonly ApiItem[]

/** The anchors that the documents use are those of GitHub. */
function slugify(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

/** How VitePress makes the site. */
export const siteConfig = {
  title: 'Docket',
  description: 'Typed execution graphs for TypeScript, run as XState actors',
  cleanUrls: true,
  outDir: '../dist',
  cacheDir: '../node_modules/.cache/vitepress',
  // What a generic type looks like in prose is text, not a tag.
  markdown: { html: false, anchor: { slugify }, toc: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/docs/concepts' },
      { text: 'Examples', link: '/examples/' },
      { text: 'API', link: '/api/' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: [
      { text: 'Introduction', link: '/' },
      ...Object.entries(guides).map(([text, names]) => ({
        text,
        collapsed: false,
        items: names.map((name) => ({ text: titleOf(name), link: `/docs/${name}` })),
      })),
      { text: 'Machines', link: '/machines/' },
      { text: 'Examples', link: '/examples/' },
      { text: 'API', collapsed: true, items: apiItems },
      { text: 'Contributing', link: '/CONTRIBUTING' },
    ],
  },
}
