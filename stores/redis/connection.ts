import type { Layout } from './layout.ts'
import type { Link } from './link.ts'
import type { Packer } from './msgpack.ts'

/** What the parts of an open store share. */
export interface Connection {
  readonly link: Link
  readonly layout: Layout
  readonly packer: Packer
}
