import { randomUUID } from 'node:crypto'

/** A UUID that begins with the time (version 7): ids made one after the other lie beside each other in a store's indexes. */
export function timeOrderedId(now: number, random: (() => number) | undefined): string {
  const time = Math.max(0, Math.floor(now)).toString(16).padStart(12, '0').slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomId(random).slice(15)}`
}

/** A UUID, from the given randomness if there is one: a run can be repeated from its seed. */
export function randomId(random: (() => number) | undefined): string {
  if (random === undefined) return randomUUID()
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16))
  digits[12] = '4'
  digits[16] = ((Number.parseInt(digits[16]!, 16) & 3) | 8).toString(16)
  const text = digits.join('')
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-')
}
