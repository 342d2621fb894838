import { createHash } from 'node:crypto'

/** The page as it is served. */
export interface PageFile {
  /** One HTML file that needs nothing else. */
  readonly html: string
  /** The `Content-Security-Policy` to send with it: its own script and style run, and nothing else. */
  readonly policy: string
}

let page: Promise<PageFile> | undefined

/** The page: the one that was packed, or, in the repository, one that is built of the sources. @throws when it can't be built */
export function pageFile(): Promise<PageFile> {
  page ??= readPage()
  // Where it failed, the next request tries again.
  page.catch(() => (page = undefined))
  return page
}

async function readPage(): Promise<PageFile> {
  // Not before somebody looks: it is large.
  const { pageHtml } = await import('./page-html.ts')
  const html = await pageHtml()
  return { html, policy: policyOf(html) }
}

/** What the page may do: nothing but its own script and style, and requests to the server that it is from. */
function policyOf(html: string): string {
  const hashesOf = (tag: string): string =>
    [...html.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))]
      .map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      .join(' ')
  return [
    "default-src 'none'",
    `script-src ${hashesOf('script')}`,
    `style-src ${hashesOf('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}
