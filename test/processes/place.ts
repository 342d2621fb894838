import { afterAll } from 'vitest'
import { serverUrl } from '../servers/server-url.ts'
import { openPlaces } from './places.ts'
import type { Place } from './places.ts'
import type { StoreKind } from './store-address.ts'

export { sqlKinds, storeKinds } from './places.ts'
export type { Place } from './places.ts'

/** Makes places; await it at the top of a test file. They are removed at its end. */
export async function placeMaker(): Promise<(kind: StoreKind) => Promise<Place>> {
  const [postgres, mysql, redis] = [await serverUrl('postgres'), await serverUrl('mysql'), await serverUrl('redis')]
  const places = await openPlaces({ postgres, mysql, redis })
  afterAll(() => places.close())
  return (kind) => places.newPlace(kind)
}
