import { createDocket, dataType, graph, step, type } from 'docket'
import type { Docket } from 'docket'
import { createInspector } from 'docket/inspector'
import type { Inspector, InspectorOptions } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'

const Name = dataType('Name', type<string>())
const Hello = dataType('Hello', type<string>())
const greet = step({ name: 'Greet', inputs: { name: Name }, output: Hello, run: ({ name }) => `Hello, ${name}` })
const greetings = graph({ name: 'greetings', steps: [greet] })

/** A docket that has one execution, which has ended, and what shows it. */
export interface InspectedDocket {
  readonly docket: Docket
  readonly url: string
  readonly port: number
  readonly token: string
  close(): Promise<void>
}

export async function inspectedDocket(options: Omit<InspectorOptions, 'docket'>): Promise<InspectedDocket> {
  const docket = createDocket({ graphs: [greetings], store: memoryStore() })
  await (await docket.start(greetings, Hello, { Name: 'Ada' }, { id: 'secret-execution' })).result()
  const inspector = await createInspector({ docket, ...options })
  const close = async (): Promise<void> => {
    await inspector.close()
    await docket.close()
  }
  return { docket, url: inspector.url, port: inspector.port, token: tokenOf(inspector), close }
}

/** What stands in the fragment of the URL. */
export function tokenOf({ url }: Pick<Inspector, 'url'>): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get('token')!
}
