import { glob } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { startTestServers } from './db/test-servers.ts';

const help = `npm test [-- options] [path …]

Sets up what is missing and runs every test that needs no cluster. Paths are files or folders: functions/auth, caddy.

  --only TEXT   run the tests whose name holds TEXT
  --help        this text

The last line counts: "N passed, N failed". Exit codes: 0 all passed, 1 some failed, 2 wrong usage.
`;

/** Files that start a whole stack on fixed ports; they run alone, after the others. */
const wholeStack = 'scripts/e2e/';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

async function testFiles(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob('{functions,proto,caddy,db,knative,scripts}/**/*.test.ts', {
    exclude: (name) => String(name) === 'node_modules',
  }))
    found.push(file);
  const wanted =
    paths.length === 0
      ? found
      : found.filter((file) => paths.some((path) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`)));
  return wanted.sort();
}

function runFiles(files: readonly string[], concurrency: number, only: string | undefined, counts: Counts): Promise<void> {
  if (files.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const tests = run({ files: [...files], concurrency, ...(only === undefined ? {} : { testNamePatterns: [only] }) });
    tests.on('test:summary', (summary) => {
      if (summary.file !== undefined) return; // one for each file, then one for all
      counts.passed += summary.counts.passed;
      counts.failed += summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
      counts.skipped += summary.counts.skipped;
      resolve();
    });
    tests.compose(new spec()).pipe(process.stdout, { end: false });
  });
}

async function main(): Promise<number> {
  let options: { values: { only?: string; help?: boolean }; positionals: string[] };
  try {
    options = parseArgs({ allowPositionals: true, options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (options.values.help) {
    process.stdout.write(help);
    return 0;
  }
  const files = await testFiles(options.positionals);
  if (files.length === 0) {
    process.stderr.write(`No test is at ${options.positionals.join(', ')}.\n`);
    return 2;
  }
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  process.stderr.write(`${files.length} files of tests. One PostgreSQL and one PgBouncer serve them all.\n`);
  const servers = await startTestServers();
  Object.assign(process.env, servers.environment);
  await runFiles(
    files.filter((file) => !file.startsWith(wholeStack)),
    availableParallelism() + 1,
    options.values.only,
    counts,
  );
  await runFiles(
    files.filter((file) => file.startsWith(wholeStack)),
    1,
    options.values.only,
    counts,
  );
  await servers.stop();
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}\n`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

process.exitCode = await main();
