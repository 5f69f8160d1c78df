import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { endMs } from '../../db/seed/accounts.ts';
import { Remedy } from '../../tools/install.ts';
import { meets, type Ratios } from '../ratios.ts';
import { printRatios, type Report, writeRatios } from '../report.ts';
import { checkAnswers } from './answers.ts';
import { benchImport } from './import.ts';
import { listsOf } from './lists.ts';
import { benchInserts, benchPgbouncer, benchPointReads, type Rounds } from './point-read.ts';
import { benchReadMix, benchRecall, benchSearch } from './search.ts';
import { openStore, type Store } from './store.ts';
import { warm } from './warm.ts';

const parts = ['point-read', 'read-mix', 'recall', 'search', 'pgbouncer', 'import', 'insert'] as const;
type PartName = (typeof parts)[number];

const help = `npm run bench -- db [options]

Measures the database with 1.13 million records, on a PostgreSQL and a PgBouncer of its own with production's settings: what is
acknowledged is on the disk. The data is made at the first time (some minutes, some gigabytes in the cache) and kept. Rows are counted and
answers are compared before anything is measured; users and keys are random, and no search is made twice. About 6 minutes.

  --json FILE     write { "ratios": { NAME: { value, goal, peer, raw } } } to FILE
  --only PART     ${parts.join(', ')};
                  may be given several times. The others' figures stay in FILE as they are
  --data FOLDER   where the data is kept, instead of the cache
  --records N     rows in each of the two data sets (1130000), at least 20000; with fewer it is to see that it runs, not to quote
  --quick         fewer and shorter rounds, likewise
  --help          this text

Exit codes: 0 all goals met, 1 one was missed or the run failed, 2 wrong usage.
`;

/** `npm run bench -- db`. @returns exit code */
export async function benchDb(args: readonly string[]): Promise<number> {
  let options: { json?: string; only?: string[]; data?: string; records?: string; quick?: boolean; help?: boolean };
  try {
    options = parseArgs({
      args: [...args],
      options: {
        json: { type: 'string' },
        only: { type: 'string', multiple: true },
        data: { type: 'string' },
        records: { type: 'string', default: '1130000' },
        quick: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
    if (options.only?.some((part) => !parts.includes(part as PartName))) throw new Error(`--only takes one of ${parts.join(', ')}`);
    // With fewer the lists of calls, of which none is made twice, would be too short.
    if (!/^([1-9]\d{5,7}|[2-9]\d{4})$/.test(options.records ?? ''))
      throw new Error('--records takes a whole number from 20000 to 99999999');
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const records = Number(options.records);
  const onProgress = (what: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`));
  const rounds: Rounds = options.quick ? { rounds: 1, seconds: 1, onProgress } : { rounds: 5, seconds: 3, onProgress };
  const earlier = options.only === undefined || options.json === undefined ? {} : kept(options.json);
  let store: Store | undefined;
  try {
    store = await openStore({ records, data: options.data, onProgress });
    const compared = await checkAnswers(store, records);
    process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${compared} answers are those of the generator\n`);
    const { json } = options;
    const measured = await measure(store, options.only, rounds, options.quick ?? false, (ratios) => {
      // After each part: what fails later takes nothing away.
      if (json !== undefined) writeRatios(json, { ...earlier, ...ratios });
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    printRatios(measured);
    return Object.values(measured).every(meets) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Remedy)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    await store?.stop();
  }
}

/** @param onPart told of all figures so far, after each part */
async function measure(
  store: Store,
  only: readonly string[] | undefined,
  rounds: Rounds,
  quick: boolean,
  onPart: (ratios: Ratios) => void,
): Promise<Ratios> {
  const { onProgress } = rounds;
  const skewed = await listsOf(store.url('skewed', 'postgres'));
  const heaviest = await listsOf(store.url('heaviest', 'postgres'));
  const byId = ['bench.batches', 'auth.sessions', 'records.records%'];
  const read = ['auth.sessions', 'bench.calls', 'bench.batches', 'bench.queries', 'bench.prefixes', 'records.words', 'records.records%'];
  const work: Readonly<Record<PartName, () => Promise<Ratios>>> = {
    'point-read': async () => {
      await warm(store, 'skewed', ['bench.plain', 'pgbench_accounts', ...byId]);
      return await benchPointReads(store, skewed, rounds);
    },
    'read-mix': async () => {
      await warm(store, 'skewed', read);
      return await benchReadMix(store, skewed, { ...rounds, rounds: Math.min(3, rounds.rounds) });
    },
    recall: () => benchRecall(store, quick ? { skewed: 40, heaviest: 10 } : { skewed: 400, heaviest: 100 }, onProgress),
    search: async () => {
      await warm(store, 'heaviest', read);
      await warm(store, 'skewed', read);
      return await benchSearch(store, skewed, heaviest, rounds);
    },
    pgbouncer: async () => {
      await warm(store, 'skewed', byId);
      return await benchPgbouncer(store, skewed, rounds);
    },
    // The last ones, because they change the data.
    import: () =>
      withoutTraces(store, () => benchImport(store, { ...(quick ? { rows: 5_000, files: 1 } : { rows: 100_000, files: 3 }), onProgress })),
    insert: async () => {
      await warm(store, 'skewed', ['auth.sessions', 'bench.%', 'records.words', 'records.records%']);
      return await withoutTraces(store, () => benchInserts(store, skewed, rounds));
    },
  };
  let ratios: Ratios = {
    seed_s: {
      value: Math.max(...Object.values(store.seedSeconds)),
      unit: 's',
      goal: '<=180',
      peer: 'the slower of the two data sets, when this data was made: rows, words and ANALYZE',
      raw: store.seedSeconds,
    },
  };
  for (const part of parts) {
    if (only !== undefined && !only.includes(part)) continue;
    ratios = { ...ratios, ...(await work[part]()) };
    onPart(ratios);
  }
  return ratios;
}

/** Takes away what was inserted, and the words that were learnt from it, so that the next run finds the data as it was made. */
async function withoutTraces<T>(store: Store, work: () => Promise<T>): Promise<T> {
  const sql = postgres(store.url('skewed', 'postgres'), { max: 1, fetch_types: false, onnotice: () => {} });
  const [before] = await sql<{ xid: string }[]>`select pg_current_xact_id()::xid::text as xid`;
  try {
    return await work();
  } finally {
    await sql`delete from records.records where created_at > ${new Date(endMs).toISOString()}`;
    await sql`delete from records.words where age(xmin) < age(${before?.xid ?? ''}::xid)`;
    await sql`truncate records.to_learn, bench.bare`;
    await sql`vacuum (analyze) records.records, records.words`;
    await sql.end({ timeout: 5 });
  }
}

/** The figures that a file already holds. */
function kept(file: string): Ratios {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report).ratios : {};
}
