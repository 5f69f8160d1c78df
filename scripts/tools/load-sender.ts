import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installed, run } from './install.ts';

/** A small Go program over the library of vegeta 12.13; go.mod and go.sum pin what is built. */
const source = join(import.meta.dirname, '../load/sender');

/**
 * The path of the load generator, built into the cache when its source is new.
 * RECORD_PLATFORM_LOAD_SENDER names another one.
 * @throws Remedy
 */
export async function loadSender(): Promise<string> {
  if (process.env.RECORD_PLATFORM_LOAD_SENDER) return process.env.RECORD_PLATFORM_LOAD_SENDER;
  const hash = createHash('sha256');
  for (const name of globSync('{*.go,go.mod,go.sum}', { cwd: source }).sort()) hash.update(name).update(readFileSync(join(source, name)));
  const folder = await installed(
    `load-sender-${hash.digest('hex').slice(0, 12)}`,
    'the load generator (vegeta 12.13, a Go module, built here)',
    async (into) => {
      const build = ['go', 'build', '-trimpath', '-buildvcs=false', '-mod=readonly', '-o', join(into, 'load-sender'), '.'];
      await run(build, 'Install Go 1.25 or later, or name a load-sender in RECORD_PLATFORM_LOAD_SENDER.', { cwd: source });
    },
  );
  return join(folder, 'load-sender');
}
