import { get } from 'node:http'
import { inject } from 'vitest'
import type { ServerName } from './server-kinds.ts'

/**
 * URL of a server that all tests share: keep to a schema, database or prefix of your own. Await it at the top of a test file, where no
 * time limit holds: it may have to be installed. @throws when there is none, telling how to provide one
 */
export async function serverUrl(name: Exclude<ServerName, 'redis-cluster'>): Promise<string> {
  const [url] = await serverUrls(name)
  return url!
}

/** URLs of all nodes, see `serverUrl`. */
export function serverUrls(name: ServerName): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    // Not `fetch`: it gives up after five minutes.
    const request = get(`${inject('serverDesk')}/${name}`, { agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as string[])
        else reject(new Error(text))
      })
    })
    request.on('error', reject)
  })
}
