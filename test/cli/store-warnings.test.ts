import { expect, onTestFinished, test } from 'vitest'
import { StoreWarnings } from '../../src/cli/store-warnings.ts'

/** Warnings as a command has them. `shown`: those that its user sees. */
function heldWarnings() {
  const usual = process.listeners('warning')
  const shown: string[] = []
  process.removeAllListeners('warning')
  process.on('warning', ({ message }) => void shown.push(message))
  onTestFinished(() => {
    process.removeAllListeners('warning')
    for (const listener of usual) process.on('warning', listener)
  })
  return { warnings: new StoreWarnings(), shown }
}

async function warn(message: string): Promise<void> {
  process.emitWarning(message, 'DocketStoreWarning')
  await new Promise((resolve) => setImmediate(resolve))
}

const away = 'it can’t be reached'

test('what a command has said of its store is no warning besides', async () => {
  const { warnings, shown } = heldWarnings()
  await warn(`${away}; asking again`)
  await warn('its data may be evicted')
  expect(shown).toEqual([])
  warnings.release([away])
  await warn(`the lease was lost: ${away}`)
  expect(shown).toEqual(['its data may be evicted'])
})

test('a store that has answered, and is away later as before, is warned of', async () => {
  const { warnings, shown } = heldWarnings()
  await warn(`${away}; asking again`)
  warnings.release([away], true)
  await warn(`the lease was lost: ${away}`)
  expect(shown).toEqual([`the lease was lost: ${away}`])
})
