import type { Place } from './place.ts'
import type { StoreKind } from './store-address.ts'

/** What somebody did to the records of the execution "bad", and what is to be told of it. */
export interface Damage {
  readonly kinds: readonly StoreKind[]
  /** What names the record. */
  readonly told: RegExp
  /** Whether the execution can't even be listed: then the store warns of it, and whoever asks for it is told. */
  readonly isLeftOut?: boolean
  inflict(place: Place): Promise<unknown>
}

const sql = ['sqlite', 'postgres', 'mysql'] as const
const steps = (change: string) => (place: Place) =>
  place.sql(`update docket_steps set ${change} where execution = 'bad' and step = 'First'`)
const head = (change: string) => (place: Place) => place.sql(`update docket_executions set ${change} where id = 'bad'`)
const hash = (field: string, value: string | Buffer) => (place: Place) =>
  place.redis.hset(place.layout.execution('bad'), field, value)

const stepPlace = /the output of step "First" of execution "bad"/
const inputsPlace = /the inputs of execution "bad"/
const firstField = ':First\0'

/** Takes the last bytes off a field of the execution's hash. */
const truncate = (field: string) => async (place: Place) => {
  const key = place.layout.execution('bad')
  const bytes = (await place.redis.hgetBuffer(key, field))!
  await place.redis.hset(key, field, bytes.subarray(0, -1))
}

export const damages: Readonly<Record<string, Damage>> = {
  'a step’s output is JSON that is cut off': {
    kinds: ['sqlite', 'mysql'],
    told: stepPlace,
    inflict: steps(`output = '{"a":'`),
  },
  'a step’s output is bytes that are cut off': {
    kinds: sql,
    told: stepPlace,
    inflict: (place) =>
      steps(`output = null, output_bytes = ${place.kind === 'postgres' ? `'\\xc144'` : `x'c144'`}`)(place),
  },
  'a completed step has no output': { kinds: sql, told: stepPlace, inflict: steps('output = null') },
  'a step has a status that nobody knows': {
    kinds: sql,
    told: /"First" .*"odd"/,
    inflict: steps(`status = 'odd'`),
  },
  'the inputs are JSON that is cut off': {
    kinds: ['sqlite', 'mysql'],
    told: inputsPlace,
    inflict: head(`inputs = '{"Seed"'`),
  },
  'the inputs are a number': { kinds: sql, told: inputsPlace, inflict: head(`inputs = '3'`) },
  'the inputs are nothing': { kinds: sql, told: inputsPlace, inflict: head(`inputs = null`) },
  'the inputs are null': { kinds: sql, told: inputsPlace, inflict: head(`inputs = 'null'`) },
  'the inputs are of another graph': {
    kinds: sql,
    told: /Seed/,
    inflict: head(`inputs = '{"Order":1}'`),
  },
  'the machine’s version is newer': {
    kinds: sql,
    told: /newer version \(format 99, this one knows 1\)/,
    inflict: head(`machine_version = 99`),
  },
  'the headers are not JSON': {
    kinds: ['sqlite', 'mysql'],
    told: /execution "bad"/,
    isLeftOut: true,
    inflict: head(`headers = '{'`),
  },
  'a field of the record is no msgpack': {
    kinds: ['redis'],
    told: /execution "bad"/,
    isLeftOut: true,
    inflict: hash('i', 'not msgpack at all'),
  },
  'the status is a letter that nobody knows': {
    kinds: ['redis'],
    told: /execution "bad"/,
    isLeftOut: true,
    inflict: hash('s', '?'),
  },
  'its key is of another type': {
    kinds: ['redis'],
    told: /:x:bad/,
    isLeftOut: true,
    async inflict({ redis, layout }) {
      await redis.del(layout.execution('bad'))
      await redis.set(layout.execution('bad'), 'a string')
    },
  },
  'a step’s record is cut off': {
    kinds: ['redis'],
    told: /step "First" of execution "bad"/,
    inflict: truncate(firstField),
  },
  'a step’s record is of a field that is no step': {
    kinds: ['redis'],
    told: /step of execution "bad"/,
    inflict: hash(':odd', 'x'),
  },
  'the inputs are msgpack that is cut off': { kinds: ['redis'], told: inputsPlace, inflict: truncate('n') },
  'the machine’s version in the hash is newer': {
    kinds: ['redis'],
    told: /newer version \(format 99, this one knows 1\)/,
    inflict: hash('w', '99'),
  },
}
