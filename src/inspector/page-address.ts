const views: ReadonlySet<string> = new Set(['fleet', 'machines', 'start'])

/** Where the page shows what a path stands for at which nothing is: its own addresses are queries of `/`, and people write paths. */
export function pageAddress(path: string): string {
  const [, view = '', ...rest] = path.split('/').map(decoded)
  const id = rest.join('/')
  if ((view === 'executions' || view === 'execution') && id !== '') return `/?execution=${encodeURIComponent(id)}`
  return views.has(view) ? `/?view=${view}` : '/'
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
