import { types } from 'node:util'

/** Whether something is a Date, of whatever realm: one of a vm context or a jest environment is no instance of this one's class. */
export function isDate(value: unknown): value is Date {
  return types.isDate(value)
}

/** Whether something is a regular expression, of whatever realm. */
export function isRegExp(value: unknown): value is RegExp {
  return types.isRegExp(value)
}

/** Whether something is a Uint8Array (a Buffer too), of whatever realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return types.isUint8Array(value)
}
