/** What errors call this engine. */
export const engineName = 'bullmq'
