export { redisStore } from './store.ts'
export type { RedisStoreOptions } from './options.ts'
