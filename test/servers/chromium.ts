import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { findProgram, isRoot, programsOf } from './binaries.ts'
import type { ServerSource } from './binaries.ts'

const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

const source: ServerSource = {
  title: 'Chromium',
  variable: 'DOCKET_TEST_CHROMIUM (to the path of its program)',
  debianPackage: 'chromium-headless-shell',
  find: async () => {
    const program = process.env['DOCKET_TEST_CHROMIUM'] ?? names.map((name) => findProgram(name)).find(Boolean)
    return program === undefined || program === '' ? undefined : { chromium: program }
  },
}

/** Starts a browser of one's own. Await it at the top of a test file, where no time limit holds: it may have to be installed. */
export async function startChromium(args: readonly string[] = []): Promise<Browser> {
  const { chromium: executablePath } = await programsOf(source)
  // As root it runs without its sandbox, or not at all.
  const own = isRoot ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath: executablePath!, args: [...own, '--disable-dev-shm-usage', ...args] })
}
