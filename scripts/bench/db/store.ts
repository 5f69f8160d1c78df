import { createHash, randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { roomHere } from '../../../db/postgres/size.ts';
import { bootstrap, bootstrapSql, type LoginRole } from '../../db/bootstrap.ts';
import { clientEnvironment } from '../../db/client-environment.ts';
import { createDatabase } from '../../db/create-database.ts';
import { migrate } from '../../db/migrate.ts';
import { readMigrations } from '../../db/migrations.ts';
import { accountsOf, type DataSet } from '../../db/seed/accounts.ts';
import { seed } from '../../db/seed/seed.ts';
import { type PgBouncer, startPgBouncer } from '../../stack/pgbouncer.ts';
import { type Postgres, startPostgres } from '../../stack/postgres.ts';
import { pgbench, postgresServer } from '../../tools/debian.ts';
import { cacheFolder, run } from '../../tools/install.ts';
import { makeQueries } from './queries.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const schemaFile = join(root, 'db/bench/schema.sql');

/** The servers of the bench, with their data. */
export interface Store {
  readonly postgres: Postgres;
  readonly folder: string;
  /** How long the seed of each data set took when the data was made. */
  readonly seedSeconds: Readonly<Record<DataSet, number>>;
  /** Of a role in the database of a data set; straight to PostgreSQL, through PgBouncer with the pool that this machine has, or with one of 20. */
  url(set: DataSet, role: LoginRole | 'postgres', through?: 'pgbouncer' | 'poolOf20'): string;
  stop(): Promise<void>;
}

/** What 1,000 clients are let in to. */
const poolOf20 = { default_pool_size: '20', reserve_pool_size: '0' };

/** Where the data is kept from one run to the next: another folder for whatever would have made other data. */
function storeFolder(base: string, records: number): string {
  const hash = createHash('sha256').update(String(records)).update(bootstrapSql());
  for (const { name, checksum } of readMigrations()) hash.update(name).update(checksum);
  const sources = globSync(
    [
      'db/bench/*.sql',
      'scripts/db/seed/{accounts,copies,names,random,releases,rows,words}.ts',
      'scripts/bench/db/queries.ts',
      'db/sample/*.csv',
    ],
    {
      cwd: root,
    },
  );
  for (const file of sources.filter((name) => !name.endsWith('.test.ts')).sort()) hash.update(readFileSync(join(root, file)));
  return join(base, hash.digest('hex').slice(0, 16));
}

/**
 * Starts PostgreSQL and PgBouncer as production has them (Debian's packages, and what is acknowledged is on the disk), on data that is made at the first time:
 * both data sets with `records` records, tables to hold ours against, and lists of calls. Several minutes then, a second later.
 */
export async function openStore(options: {
  readonly records: number;
  /** Below which the data is kept; else in the cache. */
  readonly data: string | undefined;
  readonly onProgress: (what: string) => void;
}): Promise<Store> {
  const { records, data, onProgress } = options;
  const base = data === undefined ? join(cacheFolder(), 'bench-db') : resolve(data);
  const folder = storeFolder(base, records);
  const ready = join(folder, 'ready');
  if (!existsSync(ready)) {
    // What an interrupted run left, and data of older sources: each is some gigabytes.
    for (const old of globSync(join(base, '????????????????'))) rmSync(old, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const secret = () => randomBytes(18).toString('base64url');
    const passwords = { postgres: secret(), record_migrator: secret(), auth_app: secret(), record_app: secret() };
    writeFileSync(join(folder, 'passwords.json'), JSON.stringify(passwords), { mode: 0o600 });
  }
  const passwords: Record<LoginRole | 'postgres', string> = JSON.parse(readFileSync(join(folder, 'passwords.json'), 'utf8'));
  const server = await startPostgres({ folder, password: passwords.postgres, room: roomHere(0.5), server: await postgresServer() });
  const bouncers: PgBouncer[] = [];
  try {
    const url = (set: DataSet, role: LoginRole | 'postgres', port: number): string =>
      `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${set}`;
    let users: Record<LoginRole, string> | undefined;
    for (const set of ['skewed', 'heaviest'] as const) {
      await createDatabase(url(set, 'postgres', server.port));
      users = await bootstrap({ url: url(set, 'postgres', server.port), passwords });
    }
    if (!existsSync(ready)) {
      const seconds: Partial<Record<DataSet, number>> = {};
      for (const set of ['skewed', 'heaviest'] as const)
        seconds[set] = await fill(set, url(set, 'record_migrator', server.port), url(set, 'postgres', server.port), records, onProgress);
      writeFileSync(ready, JSON.stringify(seconds));
    }
    const pooled = { postgresPort: server.port, users: users ?? {} };
    bouncers.push(await startPgBouncer({ folder, ...pooled }));
    bouncers.push(await startPgBouncer({ folder: join(folder, 'pool-of-20'), ...pooled, settings: poolOf20 }));
    const [pgbouncer, poolOf20Bouncer] = bouncers as [PgBouncer, PgBouncer];
    const ports = { pgbouncer: pgbouncer.port, poolOf20: poolOf20Bouncer.port };
    const store: Store = {
      postgres: server,
      folder,
      seedSeconds: JSON.parse(readFileSync(ready, 'utf8')),
      url: (set, role, through) => url(set, role, through === undefined ? server.port : ports[through]),
      async stop() {
        for (const bouncer of bouncers) await bouncer.stop();
        await server.stop();
      },
    };
    await assertWhole(store, records);
    return store;
  } catch (error) {
    for (const bouncer of bouncers) await bouncer.stop();
    await server.stop();
    throw error;
  }
}

/** Makes a data set, and what is held against it. @returns seconds that the seed took */
async function fill(
  set: DataSet,
  migratorUrl: string,
  superuserUrl: string,
  records: number,
  onProgress: (what: string) => void,
): Promise<number> {
  await migrate({ url: migratorUrl });
  const started = performance.now();
  const signal = new AbortController().signal;
  await seed({
    url: migratorUrl,
    set,
    records,
    replace: true,
    password: undefined,
    onProgress: (done, total) => onProgress(`seeding ${set}: ${done} of ${total}`),
    signal,
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`${set}: seeded in ${seconds} s\n`);
  const sql = postgres(superuserUrl, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    onProgress(`${set}: tables to hold it against`);
    await sql.unsafe(readFileSync(schemaFile, 'utf8')).simple();
    onProgress(`${set}: queries`);
    await makeQueries(sql, set);
    if (set === 'skewed') {
      // The physical reference: pgbench's own table, with about as many rows.
      const command = await pgbench();
      await run([...command, '--initialize', '--quiet', `--scale=${Math.ceil(records / 100_000)}`], 'pgbench could not make its tables.', {
        env: clientEnvironment(superuserUrl),
      });
    }
    await sql`vacuum (analyze)`;
    await sql`checkpoint`;
    return seconds;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Counts the rows before anything is measured. @throws Error where the data isn't what it should be */
async function assertWhole(store: Store, records: number): Promise<void> {
  for (const set of ['skewed', 'heaviest'] as const) {
    const sql = postgres(store.url(set, 'postgres'), { max: 1, fetch_types: false });
    try {
      const expected = accountsOf(set, records).reduce((sum, account) => sum + account.records, 0);
      const [row] = await sql<{ records: number; settings: string }[]>`
        select count(*)::int as records,
          concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')) as settings
        from records.records`;
      if (row?.records !== expected)
        throw new Error(`${set} holds ${row?.records} records and not ${expected}.\nRemove ${store.folder}, and it is made again.`);
      if (row.settings !== 'on on on') throw new Error(`fsync, synchronous_commit and full_page_writes must be on: ${row.settings}`);
      process.stderr.write(`${set}: ${row.records} records counted\n`);
    } finally {
      await sql.end({ timeout: 5 });
    }
  }
}
