type OptionalKey<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]

/** The fields of an answer as they are at hand: those that may be absent are undefined where there is nothing. */
type Loose<T> = Pick<T, Exclude<keyof T, OptionalKey<T>>> & { readonly [K in OptionalKey<T>]: T[K] | undefined }

/** The same without what is undefined, so that it is absent. */
export function defined<T extends object>(fields: Loose<T>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** A time as it is sent. */
export function isoOf(date: Date | undefined): string | undefined {
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
