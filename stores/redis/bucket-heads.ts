import { timeKey, timeKeyLength } from './layout.ts'

/** The first members of a list, behind its prefix; there may be more where it is cut. */
export interface Start {
  readonly places: string[]
  readonly isCut: boolean
}

export interface StartOfKey extends Start {
  readonly key: string
}

export interface GraphHead {
  /** When the first one is due that has begun, and that has not; '' for none. */
  readonly due: string
  readonly later: string
  readonly toGoOn: Start
  /** By key; undefined where there are too many. */
  readonly inTurn: readonly StartOfKey[] | undefined
}

export interface BucketHead {
  changes: string
  readonly readAt: number
  readonly owners: string[]
  readonly graphs: readonly GraphHead[]
}

/** Of a bucket: its place in the list of those that a script was given, and what `changedHeads` says of it. */
export type HeadReply = readonly [number, ...Buffer[]]

/** Whether the heads say all that a look needs: nothing is due by now, and there are not too many keys. */
export function saysAll(heads: readonly (BucketHead | undefined)[], time: number): boolean {
  // Due times are whole milliseconds: this is behind all of now.
  const below = timeKey(time + 1)
  const isLater = (due: string): boolean => due === '' || due >= below
  return heads.every(
    (head) =>
      head !== undefined && isOfFewKeys(head) && head.graphs.every(({ due, later }) => isLater(due) && isLater(later)),
  )
}

/** Whether a list that may go on has no more than so many. */
export function hasFew({ graphs }: BucketHead, many: number): boolean {
  const isShort = ({ isCut, places }: Start): boolean => isCut && places.length <= many
  return graphs.some(({ toGoOn, inTurn = [] }) => isShort(toGoOn) || inTurn.some(isShort))
}

export function isOfFewKeys({ graphs }: BucketHead): boolean {
  return graphs.every(({ inTurn }) => inTurn !== undefined)
}

/** The escaped id in a place: a time stands before it, and a priority before that where it has its turn. */
export function idIn(place: string, key: string | undefined): string {
  return place.slice(key === undefined ? timeKeyLength : 2 * timeKeyLength)
}

export function headOf([changes, owners, ...texts]: readonly string[], portion: number, readAt: number): BucketHead {
  const startOf = (places: string[]): Start => ({ places, isCut: places.length >= portion })
  const graphs: GraphHead[] = []
  for (let at = 0; at < texts.length;) {
    const [due, later, toGoOn, count] = texts.slice(at, at + 4) as [string, string, string, string]
    const keys = Math.max(0, Number(count))
    const lists = texts.slice(at + 4).map((text) => text.split('\0'))
    const inTurn = lists.slice(0, keys).map(([key, ...places]) => ({ key: key!, ...startOf(places) }))
    graphs.push({ due, later, toGoOn: startOf(listOf(toGoOn)), inTurn: Number(count) < 0 ? undefined : inTurn })
    at += 4 + keys
  }
  return { changes: changes!, readAt, owners: listOf(owners!), graphs }
}

function listOf(text: string): string[] {
  return text === '' ? [] : text.split('\0')
}

export function takeOut({ toGoOn, inTurn = [] }: GraphHead, id: string): void {
  takeOutOf(toGoOn.places, undefined, id)
  for (const { key, places } of inTurn) takeOutOf(places, key, id)
}

function takeOutOf(places: string[], key: string | undefined, id: string): void {
  const at = places.findIndex((place) => idIn(place, key) === id)
  if (at >= 0) places.splice(at, 1)
}
