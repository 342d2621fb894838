export { bullmqEngine } from './engine.ts'
export type { BullmqEngineOptions } from './options.ts'
export { migrate } from './migrate.ts'
