import { checkFormat, warnOfEviction } from './check-server.ts'
import { connect, loadPackages } from './connect.ts'
import type { Connection } from './connection.ts'
import { Hints } from './hints.ts'
import { Layout } from './layout.ts'
import { Link } from './link.ts'
import type { MsgpackFormat } from './msgpack.ts'
import type { ResolvedOptions } from './options.ts'
import { Owners } from './owners.ts'
import { ReadyHeads } from './ready-heads.ts'
import type { RedisSessions } from './sessions.ts'

/** The parts of a store that is open. */
export interface OpenStore extends Connection {
  readonly owners: Owners
  readonly heads: ReadyHeads
  readonly hints: Hints
  close(): Promise<void>
}

/** Connects, and makes sure that the format is the one that this version knows. @throws StoreError */
export async function openStore(
  options: ResolvedOptions,
  format: MsgpackFormat,
  sessions: RedisSessions | undefined,
): Promise<OpenStore> {
  const packer = await loadPackages()
  const { client, close } = await connect(options)
  try {
    const link = new Link(client, options.timeoutMs, () => connect(options))
    const layout = new Layout(options.prefix)
    await checkFormat(link, layout)
    await warnOfEviction(link, layout)
    await sessions?.open(link, layout)
    format.usePacker(packer)
    const connection = { link, layout, packer }
    const hints = new Hints(link, layout.hints)
    const closeAll = async (): Promise<void> => {
      hints.close()
      await Promise.all([link.close(), close()])
    }
    const owners = new Owners(connection, sessions)
    return { ...connection, owners, heads: new ReadyHeads(connection, owners), hints, close: closeAll }
  } catch (error) {
    await close()
    throw error
  }
}
