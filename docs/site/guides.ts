import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'

const listed: Readonly<Record<string, readonly string[]>> = {
  Begin: ['concepts', 'coming-from', 'comparison', 'options'],
  'Within a process': [
    'errors-and-retries',
    'caching',
    'batches',
    'waiting',
    'drawn-graphs',
    'machines-as-steps',
    'using-from-xstate',
    'testing',
  ],
  'Executions that survive': [
    'persistence',
    'guarantees',
    'durable-functions',
    'talking-to-executions',
    'schedules',
    'queries',
    'interceptors',
    'remote',
  ],
  'Many workers': ['workers', 'limits', 'engines', 'deploying', 'production'],
  'See and operate': ['observability', 'inspector', 'why', 'command-line'],
  Reference: ['errors', 'performance', 'benchmarks', 'stability', 'decisions'],
}

const names = new Set(Object.values(listed).flat())
const others = readdirSync(dirname(import.meta.dirname))
  .filter((file) => file.endsWith('.md') && !names.has(file.replace(/\.md$/, '')))
  .map((file) => file.replace(/\.md$/, ''))

/** The guides, by what a reader is about to do: the site's sidebar, and the order of `llms.txt`. Names of files in `docs/`, without their ending. */
export const guides: Readonly<Record<string, readonly string[]>> =
  others.length === 0 ? listed : { ...listed, More: others }
