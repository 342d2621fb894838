/** A UUID of version 4 whose random digits are those of a digest, of 32 hexadecimal digits at least. */
export function uuidOf(digits: string): string {
  const variant = ((Number.parseInt(digits[16]!, 16) & 3) | 8).toString(16)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`
}
