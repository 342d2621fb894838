import { execFile } from 'node:child_process'
import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from './guarded-process.ts'
import { serverUser } from './postgres.ts'

const run = promisify(execFile)

/** A certificate that has signed itself, for this machine alone, and its key. */
export interface Certificate extends Disposable {
  /** The file of the certificate, which is its own authority. */
  readonly cert: string
  readonly key: string
  /** The certificate's text. */
  readonly ca: string
}

/** Makes a certificate with the program openssl. */
export async function makeCertificate(): Promise<Certificate> {
  const folder = temporaryFolder('certificates')
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await run('openssl', [
    'req',
    '-x509',
    ...kind,
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/CN=localhost',
    '-addext',
    names,
  ])
  // PostgreSQL, which never runs as root, must be able to read its key, and refuses one that others can read.
  const { uid, gid } = await serverUser()
  if (uid !== undefined) for (const path of [folder, key]) chownSync(path, uid, gid!)
  chmodSync(folder, 0o755)
  chmodSync(key, 0o600)
  return { cert, key, ca: readFileSync(cert, 'utf8'), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}
