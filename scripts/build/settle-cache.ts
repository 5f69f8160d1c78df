/**
 * After the training run: `node scripts/build/settle-cache.ts <folder>`. Reads each FILE.cache back and writes it again, in the order of
 * their names. What remained of the run's own order (V8 numbers functions as they come, and knows the folder) is gone then, so that the
 * same sources give the same bytes.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { undone } from './training-flags.ts';

const folder = process.argv[2] ?? '.';
for (const flag of undone) setFlagsFromString(flag);
const settled = readdirSync(folder)
  .filter((file) => file.endsWith('.cache'))
  .sort()
  .map((file): [string, Script] => {
    const source = readFileSync(join(folder, file.slice(0, -'.cache'.length)), 'latin1');
    // As load.cjs wraps it.
    const wrapped = `(function(exports,require,module,__filename,__dirname){${source}\n})`;
    const script = new Script(wrapped, { filename: file, cachedData: readFileSync(join(folder, file)) });
    if (script.cachedDataRejected) throw new Error(`V8 does not take its own compiled code back: ${file}`);
    return [file, script];
  });
for (const [file, script] of settled) writeFileSync(join(folder, file), script.createCachedData());
