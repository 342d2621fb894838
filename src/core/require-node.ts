// Older versions of Node fail later and with an error that explains nothing; elsewhere (browsers, other runtimes) there is no version to read.
const node = globalThis.process?.versions?.node
if (node !== undefined) {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  if (major < 24 || (major === 24 && minor < 15)) {
    throw new Error(
      `docket needs Node >= 24.15, but this is ${node}; install Node 24 or newer (nodejs.org, nvm, fnm, volta), or run \`npx -p node@24 node …\``,
    )
  }
}
