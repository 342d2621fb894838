/** Preloaded (`--import`): the program imports Docket as Node finds it in the package, and not the sources. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { packagedFiles } from './packaged-files.ts'

const urls = new Map([...packagedFiles()].map(([name, file]) => [name, pathToFileURL(file).href]))

registerHooks({
  resolve(specifier, context, next) {
    const url = urls.get(specifier)
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
  },
})
