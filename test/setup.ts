// The `node` devDependency brings the right Node; with install scripts switched off it installs nothing and the host's
// Node runs instead. Better a clear stop here than strange failures later.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  throw new Error(
    `the tests need Node >= 24.15, but this is ${process.versions.node}. Three ways to get it: ` +
      '(1) `npm ci` with install scripts allowed, so that the `node` devDependency installs it, then `npm test`; ' +
      '(2) install Node 24 on this machine (nodejs.org, nvm, fnm, volta); ' +
      '(3) `npx -p node@24 npm test`.',
  )
}
