/** Jest reads files by itself, and knows no types: Node takes them out. So do ts-jest, @swc/jest and Babel. */
const { stripTypeScriptTypes } = require('node:module')

exports.process = (source) => ({ code: stripTypeScriptTypes(source) })
