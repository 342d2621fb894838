import { expect, test } from 'vitest'
import { refreshedReadme } from './refreshed-readme.ts'

test('the README shows the machines as they are', async () => {
  const { current, refreshed } = await refreshedReadme()
  expect(current, 'machines/README.md is stale: `npm run docs:machines` refreshes it').toBe(refreshed)
})
