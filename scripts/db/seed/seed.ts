import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { createPasswords } from '../../../functions/auth/passwords.ts';
import { Remedy } from '../../tools/install.ts';
import { accountsOf, type DataSet, emailDomain } from './accounts.ts';
import { arrayOf, fillUnit, removeRecords } from './fill.ts';
import { partitionsOf } from './partitions.ts';
import { unitsOf } from './units.ts';

export interface SeedOptions {
  /** Of record_migrator (or of a superuser, in tests), straight to PostgreSQL. */
  readonly url: string;
  readonly set: DataSet;
  readonly records: number;
  /** Takes away what an earlier seed of this data set left, first. Else it is refused where that was another one. */
  readonly replace: boolean;
  /** By which every account can log in; without one nobody can. */
  readonly password: string | undefined;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface Seeded {
  readonly accounts: number;
  readonly records: number;
  /** Of the account that owns the most. */
  readonly largest: number;
  /** Accounts that an earlier run, which was interrupted, had filled already. */
  readonly before: number;
}

/** Computing what is stored with a record takes longer than making it up: one core each, and what is left for the generator. */
const connections = 2;
const cost = 12;

/**
 * Fills a migrated database with a data set. An account is there with all of its records or not at all; interrupted, it goes on from there
 * when it is run again. The tables can be used meanwhile.
 * @throws Remedy where the data set is there already, or another one of its kind, or it was interrupted
 */
export async function seed(options: SeedOptions): Promise<Seeded> {
  const { url, set, records, signal } = options;
  const sql = postgres(url, {
    max: connections,
    prepare: false,
    fetch_types: false,
    connect_timeout: 5,
    onnotice: () => {},
    connection: { application_name: 'record-platform seed', options: '-c role=record_owner -c jit=off' },
  });
  // What a lost connection had begun never was.
  signal.addEventListener('abort', () => void sql.end({ timeout: 0 }), { once: true });
  const accounts = accountsOf(set, records);
  const total = accounts.reduce((sum, account) => sum + account.records, 0);
  try {
    const present = await accountsThere(sql, set);
    const wanted = new Set(accounts.map(({ id }) => id));
    if (options.replace) await remove(sql, present);
    else if (!present.every((id) => wanted.has(id)) || present.length === accounts.length)
      throw new Remedy(
        `The data set "${set}" is there already, with ${present.length} accounts. Seed with --replace to put the new one in its place.`,
      );
    const before = new Set(options.replace ? [] : present);
    const missing = accounts.filter(({ id }) => !before.has(id));
    let done = total - missing.reduce((sum, account) => sum + account.records, 0);
    const filling = {
      set,
      passwordHash: await createPasswords({ cost }).hash(options.password ?? randomBytes(32).toString('base64')),
      onCopied: (copied: number) => {
        done += copied;
        options.onProgress(done, total);
      },
      signal,
    };
    const places = await partitionsOf(
      sql,
      missing.map(({ id }) => id),
    );
    const units = unitsOf(missing, places).values();
    const worker = async (): Promise<void> => {
      for (const unit of units) {
        signal.throwIfAborted();
        await fillUnit(sql, unit, filling);
      }
    };
    await Promise.all(Array.from({ length: connections }, worker));
    // Every table of this role: the first query has a good plan, and an index-only scan doesn't look at the table.
    await sql`vacuum (analyze)`;
    return {
      accounts: accounts.length,
      records: total,
      largest: Math.max(...accounts.map((account) => account.records)),
      before: before.size,
    };
  } catch (error) {
    if (signal.aborted)
      throw new Remedy('Interrupted. Each account that is there has all of its records; the same command goes on from there.');
    throw error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const accountsThere = async (sql: postgres.Sql, set: DataSet): Promise<string[]> =>
  (await sql<{ id: string }[]>`select id from auth.accounts where email_key like ${`${set}-%@${emailDomain}`}`).map(({ id }) => id);

/** Takes accounts away with all that is theirs, at once. */
async function remove(sql: postgres.Sql, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql.begin(async (transaction) => {
    for (const { name, accounts } of await partitionsOf(transaction, ids)) await removeRecords(transaction, name, [...accounts]);
    await transaction`delete from auth.accounts where id = any (${arrayOf(ids)}::uuid[])`;
  });
}
