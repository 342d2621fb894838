/** What a worker printed, without what it rightly says when its store does not answer at once. */
export function withoutWaits(printed: string): string {
  const isWait =
    /DocketStoreWarning: (?:.*; asking again for up to \d+ s|the lease was lost, since it could not be renewed: .*)/
  return printed
    .split('\n')
    .filter((line) => !isWait.test(line) && !line.includes('`node --trace-warnings'))
    .join('\n')
    .trim()
}
