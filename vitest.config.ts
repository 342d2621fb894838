import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongFilesFirst } from './test/long-files-first.ts'

// The workers get them as flags of Node, so only those that hold for `require` too.
const conditions = ['docket-source', 'node']

// Workers, and the processes that tests start, load modules that another one has compiled: half of what their starts take.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

// The compiler is written in Go, and spends a third of its time on removing what programs as small as these can keep.
process.env['GOGC'] ??= '400'

/** Tests that put something in the place of the host's globals, or of modules. */
const withGlobals = [
  'test/runtime/environment/*.test.ts',
  'test/runtime/realms.test.ts',
  'test/runtime/batch/batch-fairness.test.ts',
  'test/durable/time-of-day.test.ts',
  'test/examples/dependency-report/report.test.ts',
]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    exclude: ['test/bench/node_modules/**', 'node_modules/**'],
    setupFiles: ['test/setup.ts'],
    typecheck: { enabled: false },
    // For what hangs alone: a test of one second takes thirty where forty processes share two cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two more than there are cores, where Vitest's default is one less: more than half of the time is spent waiting, for servers and killed processes.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongFilesFirst },
    reporters: ['default'],
    // Node itself loads the sources: it reads them in a fraction of the time in which Vite transforms them, and calls between modules take no detour.
    experimental: { viteModuleRunner: false },
    globalSetup: ['test/bounded-cache.ts', 'test/servers/global-setup.ts'],
    projects: [
      { extends: true, test: { name: 'globals', include: withGlobals } },
      // Those of one worker share the modules under test: each file would spend more than a second on loading them.
      {
        extends: true,
        test: {
          name: 'docket',
          include: ['test/**/*.test.ts'],
          exclude: withGlobals,
          isolate: false,
          // No module is replaced here, so none has to be looked at for that.
          experimental: { viteModuleRunner: false, nodeLoader: false },
        },
      },
    ],
  },
})
