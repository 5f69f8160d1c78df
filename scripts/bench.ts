import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchBundles } from './bench/bundles.ts';
import { benchColdStart } from './bench/cold-start.ts';
import { benchDb } from './bench/db/run.ts';
import { benchGetRecord } from './bench/get-record.ts';
import { benchProtocols } from './bench/protocols.ts';
import { meets, type Ratios } from './bench/ratios.ts';
import { printRatios, writeRatios } from './bench/report.ts';
import { build } from './build/build.ts';
import { startTestServers } from './db/test-servers.ts';

const help = `npm run bench [-- options]
npm run bench -- db [options]     the database with 1.13 million records: npm run bench -- db --help

Holds the runtime against plain peers in the same run, alternating, and prints the medians as ratios. About 8 minutes.

  --json FILE   write { "ratios": { NAME: { value, goal, peer, raw } } } to FILE
  --only NAME   protocols, cold-start, bundles or get-record
  --quick       fewer and shorter rounds: to see that it runs, not to quote
  --help        this text

Exit codes: 0 all goals met, 1 one was missed or the run failed, 2 wrong usage.
`;

const accountsName = 'Collected';

async function main(): Promise<number> {
  // It has options of its own.
  if (process.argv[2] === 'db') return benchDb(process.argv.slice(3));
  let options: { json?: string; only?: string; quick?: boolean; help?: boolean };
  try {
    options = parseArgs({
      options: { json: { type: 'string' }, only: { type: 'string' }, quick: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const parts = ['bundles', 'cold-start', 'protocols', 'get-record'];
  if (options.only !== undefined && !parts.includes(options.only)) {
    process.stderr.write(`--only takes one of ${parts.join(', ')}\n`);
    return 2;
  }
  const wants = (part: string): boolean => options.only === undefined || options.only === part;
  const rounds = options.quick ? 2 : 41;
  const onProgress = (what: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`));

  await build();
  const dist = resolve('dist');
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-bench-'));
  // As in production: what is acknowledged is on the disk.
  const servers = await startTestServers({ postgres: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', autovacuum: 'on' } });
  Object.assign(process.env, servers.environment);
  try {
    // Not before: it comes with node:test, which has its say at the end of every process that loads it.
    const { benchAccounts } = await import('./bench/accounts.ts');
    const accounts = await benchAccounts({ users: 50, recordsEach: 20, name: accountsName });
    const [counted] = await accounts.sql<{ rows: number }[]>`select count(*)::int as rows from records.records`;
    process.stderr.write(`${counted?.rows} records of ${accounts.targets.length} accounts\n`);
    const { environment, targets } = accounts;
    const [target] = targets;
    if (target === undefined) throw new Error('There is no account to ask for.');
    const seconds = 0.5;
    const ratios: Ratios = {
      ...(wants('bundles') ? await benchBundles() : {}),
      ...(wants('cold-start')
        ? await benchColdStart({
            dist,
            runs: options.quick ? 3 : 31,
            environment,
            target: { token: target.token, recordId: target.recordIds[0] as string },
            onProgress,
          })
        : {}),
      ...(wants('protocols') ? await benchProtocols({ folder, rounds, seconds, environment, targets, onProgress }) : {}),
      ...(wants('get-record')
        ? await benchGetRecord({
            servers,
            folder,
            dist,
            rounds,
            seconds,
            environment,
            directUrl: accounts.directUrl,
            targets,
            expected: accountsName,
            onProgress,
          })
        : {}),
    };
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    printRatios(ratios);
    if (options.json !== undefined) writeRatios(options.json, ratios);
    await accounts.drop();
    return Object.values(ratios).every(meets) ? 0 : 1;
  } finally {
    await servers.stop();
    rmSync(folder, { recursive: true });
  }
}

// Ending here, and not by the signal, runs what ends the servers.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
process.exitCode = await main();
