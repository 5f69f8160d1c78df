import { parseArgs } from 'node:util';
import { progress } from '../../demo/progress.ts';
import { emailDomain } from './accounts.ts';
import { seed } from './seed.ts';

const recordsMax = 20_000_000;
const recordsByDefault = 1_130_000;

export const seedHelp = `npm run db -- seed [options]

Fills the database with a collection's worth of data for benches and for trying things out: names of many languages and scripts, real
artists among made ones, formats, grades, prices in several currencies. The same options make the same rows. By COPY, on two connections;
interrupted, it leaves whole accounts, and the same command goes on from there. The stack can go on working meanwhile.

  --records N       how many (${recordsByDefault})
  --heaviest        one account owns all of them, with 200 small ones beside it. Without it thousands of accounts share them: most own about
                    100, some up to 10,000
  --replace         takes away what an earlier seed of the same kind left; without it that is refused. Other accounts are never touched
  --password TEXT   every account can log in by it; without one nobody can. Their addresses are skewed-1@${emailDomain} and on, or
                    heaviest-1@${emailDomain}, who owns everything, and on
  --help            this text

Exit codes: 0 done, 1 failed or interrupted, 2 wrong usage.
`;

/**
 * `npm run db -- seed`.
 * @param url says where; asked for only when the options are right
 * @returns exit code
 */
export async function runSeed(args: readonly string[], url: () => string): Promise<number> {
  let options: { records?: string; heaviest?: boolean; replace?: boolean; password?: string; help?: boolean };
  try {
    options = parseArgs({
      args: [...args],
      options: {
        records: { type: 'string' },
        heaviest: { type: 'boolean' },
        replace: { type: 'boolean' },
        password: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${seedHelp}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(seedHelp);
    return 0;
  }
  const records = Number(options.records ?? recordsByDefault);
  if (!/^\d+$/.test(options.records ?? '1') || records < 1 || records > recordsMax) {
    process.stderr.write(`--records takes a whole number from 1 to ${recordsMax}\n\n${seedHelp}`);
    return 2;
  }
  const abort = new AbortController();
  const interrupted = () => abort.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  const started = performance.now();
  const bar = progress('records', records);
  try {
    const made = await seed({
      url: url(),
      set: options.heaviest ? 'heaviest' : 'skewed',
      records,
      replace: options.replace ?? false,
      password: options.password,
      onProgress: (done) => bar.at(Math.min(done, records)),
      signal: abort.signal,
    });
    bar.end();
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(
      `${made.records} records of ${made.accounts} accounts in ${seconds.toFixed(0)} s${made.before > 0 ? ` (${made.before} accounts were there already)` : ''}; the largest account owns ${made.largest}.\n`,
    );
    return 0;
  } finally {
    bar.end();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupted);
  }
}
