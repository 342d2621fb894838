import { expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { startRedis, withRedis } from '../servers/redis.ts'

const Out = dataType('Out', type<string>())
const fine = graph({
  name: 'fine',
  steps: [step({ name: 'Fine', output: Out, persist: 'execution', run: () => 'fine' })],
})
const needed = ['~docket:*', '&docket:hints', '+@all', '-@admin', '-@dangerous', '+info']

/** Executes something as a user with these rights. */
async function executeWith(...rules: string[]): Promise<unknown> {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  await withRedis(server.port, (redis) => redis.call('ACL', 'SETUSER', 'app', 'on', '>word', 'resetchannels', ...rules))
  const docket = createDocket({ graphs: [fine], store: redisStore(`redis://app:word@127.0.0.1:${server.port}`) })
  try {
    return await docket.execute(fine, Out, {}, { id: 'one' })
  } finally {
    await docket.close()
  }
}

test('a user needs the keys of the prefix and the channel of hints, and no command that changes or looks at the server', async () => {
  expect(await executeWith(...needed)).toBe('fine')
  expect(await executeWith(...needed, '-client', '-config')).toBe('fine')
})

test('a user without the channel of hints is refused at once, with what the ACL must allow', async () => {
  const rules = needed.filter((rule) => !rule.startsWith('&'))
  for (const more of [[], ['allchannels', '-subscribe']])
    await expect(executeWith(...rules, ...more)).rejects.toMatchObject({
      isTransient: false,
      message: expect.stringContaining('+subscribe +publish &docket:hints'),
    })
})

test('what a user may not call in scripts is an error that names the log in which the server has it', async () => {
  await expect(executeWith(...needed, '-set')).rejects.toMatchObject({
    isTransient: false,
    message: expect.stringContaining('ACL LOG'),
  })
})
