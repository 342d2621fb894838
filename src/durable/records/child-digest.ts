import { canonicalize, digest } from '../../core/values/keys.ts'

const prefix = 'child '

/**
 * What the child of an execution is known by, in the place of the digest of its inputs: the same for all processes of one parent, whatever they make of its
 * unpersisted steps, and another one for a parent that was deleted and started anew.
 */
export function digestOfChild(parent: { readonly id: string; readonly createdAt: number }): string {
  return prefix + digest(canonicalize({ parent: parent.id, createdAt: parent.createdAt }))
}

export function isDigestOfChild(requestDigest: string): boolean {
  return requestDigest.startsWith(prefix)
}
