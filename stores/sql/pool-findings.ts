import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'

/** A process that has fewer has others wait for what renews its lease. */
const fewest = 3

/** Whether a pool has enough connections, and the server room for them. */
export function poolFindings(
  max: number | undefined,
  server: { readonly allows: number; readonly used: number },
): readonly StoreFinding[] {
  const findings: StoreFinding[] = []
  if (max !== undefined)
    findings.push(
      max < fewest
        ? {
            check: 'pool',
            level: 'warning',
            text: `the pool has ${max === 1 ? '1 connection' : `${max} connections`}, so that calls wait for each other; give it ${fewest} at least (max)`,
          }
        : { check: 'pool', level: 'good', text: `the pool has up to ${max} connections` },
    )
  const { allows, used } = server
  const left = allows - used
  // Of one more process with a pool like this one, and the connection apart from it.
  const wanted = (max ?? fewest) + 1
  findings.push(
    left < wanted
      ? {
          check: 'server-connections',
          level: 'warning',
          text: `the server allows ${allows} connections, of which ${used} are taken; one more process with up to ${wanted} may find none: raise max_connections, or lower max`,
        }
      : {
          check: 'server-connections',
          level: 'good',
          text: `${used} of ${allows} connections of the server are taken`,
        },
  )
  return findings
}
