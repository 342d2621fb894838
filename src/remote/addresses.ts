import { isIPv4, isIPv6 } from 'node:net'

/** Ranges that lead back to the machine itself, or to what only it should reach: by their first bytes. */
const inner: readonly { readonly what: string; readonly bytes: readonly number[]; readonly bits: number }[] = [
  { what: 'loopback', bytes: [127], bits: 8 },
  // "This network": on most systems another name of the machine itself.
  { what: 'unspecified', bytes: [0], bits: 8 },
  { what: 'link-local', bytes: [169, 254], bits: 16 },
  { what: 'broadcast', bytes: [255, 255, 255, 255], bits: 32 },
  { what: 'metadata', bytes: [100, 100, 100, 200], bits: 32 },
]
const innerOf6: typeof inner = [
  { what: 'loopback', bytes: [...new Array<number>(15).fill(0), 1], bits: 128 },
  { what: 'unspecified', bytes: new Array<number>(16).fill(0), bits: 128 },
  { what: 'link-local', bytes: [0xfe, 0x80], bits: 10 },
  { what: 'metadata', bytes: [0xfd, 0x00, 0x0e, 0xc2], bits: 32 },
]

/** Where an IPv4 address stands within one of IPv6: after these bytes. Mapped, compatible, NAT64 (two prefixes) and 6to4. */
const carriers: readonly { readonly prefix: readonly number[]; readonly at: number }[] = [
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], at: 12 },
  { prefix: new Array<number>(12).fill(0), at: 12 },
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: 12 },
  { prefix: [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: 12 },
  { prefix: [0x00, 0x64, 0xff, 0x9b, 0x00, 0x01], at: 12 },
  { prefix: [0x20, 0x02], at: 2 },
]

/** Why an address leads inside: to the machine itself, its link, or a cloud's metadata; undefined for all others, and for what is no address. */
export function innerAddress(address: string): string | undefined {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (isIPv4(bare)) return rangeOf(bare.split('.').map(Number), inner)
  if (!isIPv6(bare)) return undefined
  const bytes = bytesOf6(bare)
  const found = rangeOf(bytes, innerOf6)
  if (found !== undefined) return found
  for (const { prefix, at } of carriers)
    if (prefix.every((byte, index) => bytes[index] === byte)) {
      const carried = rangeOf(bytes.slice(at, at + 4), inner)
      if (carried !== undefined) return carried
    }
  return undefined
}

function rangeOf(bytes: readonly number[], ranges: typeof inner): string | undefined {
  return ranges.find(({ bytes: first, bits }) => {
    for (let bit = 0; bit < bits; bit++) {
      const mask = 0x80 >> (bit & 7)
      if (((bytes[bit >> 3] ?? 0) & mask) !== ((first[bit >> 3] ?? 0) & mask)) return false
    }
    return true
  })?.what
}

/** The sixteen bytes of an address that is known to be one of IPv6. */
function bytesOf6(address: string): readonly number[] {
  // The last four bytes may be written as IPv4 is.
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.map(Number)
    return `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
  })
  const [head = '', tail] = text.split('::')
  const first = groups(head)
  const last = tail === undefined ? [] : groups(tail)
  const all =
    tail === undefined
      ? first
      : [...first, ...new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last]
  return all.flatMap((group) => [group >> 8, group & 0xff])
}

function groups(part: string): readonly number[] {
  return part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
}
