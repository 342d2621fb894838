/** An answer, if it comes in time. Whatever is under way goes on; its answer, or failure, is dropped then. */
export async function within<Answer>(answer: Promise<Answer>, ms: number, late: () => Error): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const lateness = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([answer, lateness])
  } finally {
    clearTimeout(timer)
  }
}
