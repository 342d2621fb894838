import type { ExpectedOutput } from './expected-output.ts'

const threeWorkers = `60 thumbnails, none of them by this process: true
3 workers have closed`

/** Those of executions that other processes run. */
export const outputsOfWorkers: Readonly<Record<string, ExpectedOutput>> = {
  'bullmq-job.ts': {
    text: `charging 990 cents
receipt for the payment of o-1
executions: 1`,
    server: 'redis',
  },
  'file-processing/main.ts': {
    text: `  the first worker: downloaded
the first worker was killed: SIGKILL
  the second worker: downloaded
  the second worker: made small
  the second worker: uploaded
ready: the film metropolis, small`,
  },
  'workers-on-postgres.ts': { text: threeWorkers, server: 'postgres' },
  'workers-on-redis.ts': { text: threeWorkers, server: 'redis' },
}
