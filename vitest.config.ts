import { defineConfig } from 'vitest/config'

// The workers get them as flags of Node, so only those that hold for `require` too.
const conditions = ['docket-source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/node_modules/**', 'node_modules/**'],
    setupFiles: ['test/setup.ts'],
    typecheck: { enabled: false },
    testTimeout: 30_000,
    reporters: ['default'],
  },
})
