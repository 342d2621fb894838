import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { startChromium } from '../../servers/chromium.ts'
import { root } from '../../architecture/source-file.ts'

/** Where screenshots are kept, to be looked at: nothing compares them. */
const artefacts = join(root, 'node_modules/.cache/docket-page')

/** Starts the browser that `DOCKET_TEST_CHROMIUM` names, or one of the system. @throws when there is none, naming the ways to get one */
export async function startBrowser(): Promise<Browser> {
  mkdirSync(artefacts, { recursive: true })
  return startChromium()
}

/** A page that a test has opened, with what went wrong in it. */
export interface OpenPage {
  readonly page: Page
  /** Errors of its scripts, and violations of its policy. */
  readonly errors: readonly string[]
  /** Origins that it has sent requests to. */
  readonly origins: ReadonlySet<string>
}

/** Opens an address in a window of its own, closed at the end of the test. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const errors: string[] = []
  const origins = new Set<string>()
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // Requests that are refused are written there by the browser itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (protocol !== 'data:') origins.add(origin)
  })
  await page.goto(url)
  return { page, errors, origins }
}

/** What is expected of a page soon: browsers on a busy machine take their time. */
export function soon<Value>(read: () => Value): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(read, { timeout: 15_000 })
}

/** Keeps a picture of a page. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(artefacts, `${name}.png`) })
}

/** What keeps people from using a page: the serious and critical findings of axe-core. */
export async function barriersOf(page: Page): Promise<readonly string[]> {
  // By the debugger, past the policy that keeps the page from running what is not its own.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: AxeBuilder.source })
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 200) + ' ' + (any[0]?.message ?? '')).join(' | '))))`,
    awaitPromise: true,
    returnByValue: true,
  })
  return JSON.parse(String(result.value)) as readonly string[]
}
