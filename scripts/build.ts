import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, firstKibMax, folderKibMax } from './build/build.ts';
import { findFunctions } from './build/functions.ts';

const help = `npm run build -- [function…] [--metafile]

Bundles each function whose sources have changed into dist/<function>, starts it once, and keeps the code that V8 compiled.

  function     records-get-record …; all of them otherwise
  --metafile   also writes dist/.build/<function>.meta.json, for https://esbuild.github.io/analyze/
  --help       this text

Prints each function's JavaScript in KiB: the whole folder (at most ${folderKibMax}) and what is loaded before the first
answer (at most ${firstKibMax}). Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

async function main(): Promise<number> {
  let given: { values: { metafile?: boolean; help?: boolean }; positionals: string[] };
  try {
    given = parseArgs({ allowPositionals: true, options: { metafile: { type: 'boolean' }, help: { type: 'boolean' } } });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  const { values, positionals } = given;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const known = findFunctions(join(import.meta.dirname, '..')).map(({ name }) => name);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no function ${unknown.join(', ')}. There are:\n  ${known.join('\n  ')}\n`);
    return 2;
  }
  const started = performance.now();
  const built = await build({
    only: positionals.length > 0 ? positionals : undefined,
    metafile: values.metafile,
    onProgress: ({ name, made }) => process.stderr.write(made ? `built ${name}\n` : `unchanged ${name}\n`),
  });
  const width = Math.max(...built.map(({ name }) => name.length), 8);
  console.log(`${'function'.padEnd(width)}  KiB in all  KiB first`);
  for (const { name, totalKib, firstKib } of built)
    console.log(`${name.padEnd(width)}  ${totalKib.toFixed(0).padStart(10)}  ${firstKib.toFixed(0).padStart(9)}`);
  process.stderr.write(
    `${built.filter(({ made }) => made).length} of ${built.length} built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  );
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
