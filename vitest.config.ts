import { defineConfig } from 'vitest/config'

// The workers get them as flags of Node, so only those that hold for `require` too.
const conditions = ['docket-source', 'node']

/** Tests that may ask for database servers; the others start nothing. */
const withServers = ['stores', 'chaos', 'processes'].map((folder) => `test/${folder}/**/*.test.ts`)
withServers.push('test/prior-art/**/on-servers.test.ts')

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    exclude: ['test/bench/node_modules/**', 'node_modules/**'],
    setupFiles: ['test/setup.ts'],
    typecheck: { enabled: false },
    testTimeout: 30_000,
    reporters: ['default'],
    projects: [
      { extends: true, test: { name: 'docket', include: ['test/**/*.test.ts'], exclude: withServers } },
      { extends: true, test: { name: 'stores', include: withServers, globalSetup: ['test/servers/global-setup.ts'] } },
    ],
  },
})
