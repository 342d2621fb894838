import { defineConfig } from 'vitest/config'

const conditions = ['docket-source']

export default defineConfig({
  resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/node_modules/**', 'node_modules/**'],
    setupFiles: ['test/setup.ts'],
    typecheck: { enabled: false },
    testTimeout: 30_000,
    reporters: ['default'],
  },
})
