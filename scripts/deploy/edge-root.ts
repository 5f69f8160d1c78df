import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../tools/install.ts';

/** The root of the edge's own CA: what clients trust. */
export interface EdgeRoot {
  /** PEM */
  readonly certificate: string;
  /** PEM, PKCS #8 */
  readonly key: string;
  /** Writes one of the two as a Secret would mount it. */
  writeTo(folder: string, name: 'tls.crt' | 'tls.key'): void;
}

/**
 * Makes a root for the edge: ECDSA P-256, ten years, a CA that may sign intermediates (RFC 5280). Caddy makes its intermediate and its
 * certificates from it, and makes them anew in time.
 * @throws Remedy where openssl is missing
 */
export async function makeRoot(): Promise<EdgeRoot> {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-root-'));
  chmodSync(folder, 0o700);
  try {
    const [keyFile, certificateFile] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
    const command = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'];
    command.push('-subj', '/CN=record-platform local root', '-keyout', keyFile, '-out', certificateFile);
    command.push('-addext', 'basicConstraints=critical,CA:TRUE,pathlen:1', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
    await run(command, 'Install openssl (apt-get install openssl).');
    return rootOf(readFileSync(certificateFile, 'utf8'), readFileSync(keyFile, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rootOf = (certificate: string, key: string): EdgeRoot => ({
  certificate,
  key,
  writeTo: (folder, name) => writeFileSync(join(folder, name), name === 'tls.key' ? key : certificate, { mode: 0o600 }),
});
