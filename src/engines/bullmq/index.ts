export { bullmqEngine } from './engine.ts'
export type { BullmqEngineOptions, PostgresPool } from './bullmq-engine-options.ts'
export { migrate } from './migrate.ts'
