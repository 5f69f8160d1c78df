import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { createPasswords } from '../../../functions/auth/passwords.ts';
import { Remedy } from '../../tools/install.ts';
import { accountsOf, type DataSet, emailDomain, type SeedAccount } from './accounts.ts';
import { partitionsOf } from './partitions.ts';
import { columns, copyLine, rowsOf } from './rows.ts';

export interface SeedOptions {
  /** Of record_migrator (or of a superuser, in tests), straight to PostgreSQL. */
  readonly url: string;
  readonly set: DataSet;
  readonly records: number;
  /** Takes away what an earlier seed of this data set left, first. Else it is refused where there is some. */
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
}

/** Text of so many characters is handed to PostgreSQL at once. */
const chunkLength = 256 * 1024;
const cost = 12;

/**
 * Fills a migrated database with a data set, in one transaction: whoever interrupts it finds nothing changed. The tables can be used meanwhile.
 * @throws Remedy where the data set is there already
 */
export async function seed(options: SeedOptions): Promise<Seeded> {
  const { url, set, records, replace, signal } = options;
  const sql = postgres(url, {
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: 5,
    onnotice: () => {},
    connection: { application_name: 'record-platform seed' },
  });
  // A connection that is gone is a transaction that never was.
  signal.addEventListener('abort', () => void sql.end({ timeout: 0 }), { once: true });
  try {
    await sql`set role record_owner`;
    const accounts = accountsOf(set, records);
    const passwordHash = await createPasswords({ cost }).hash(options.password ?? randomBytes(32).toString('base64'));
    await sql.begin(async (transaction) => {
      await transaction`set local jit = off`;
      await clear(transaction, set, replace);
      await addAccounts(transaction, accounts, passwordHash);
      await copyRecords(transaction, options, accounts);
    });
    // Every table of this role: the first query has a good plan, and an index-only scan doesn't look at the table.
    await sql`vacuum (analyze)`;
    return {
      accounts: accounts.length,
      records: accounts.reduce((sum, account) => sum + account.records, 0),
      largest: Math.max(...accounts.map((account) => account.records)),
    };
  } catch (error) {
    if (signal.aborted) throw new Remedy('Interrupted: nothing was changed.');
    throw error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Takes an earlier data set away, or refuses because of it. */
async function clear(sql: postgres.TransactionSql, set: DataSet, replace: boolean): Promise<void> {
  const before = await sql<{ id: string }[]>`
    select id from auth.accounts where email_key like ${`${set}-%@${emailDomain}`}`.then((rows) => rows.map(({ id }) => id));
  if (before.length === 0) return;
  if (!replace)
    throw new Remedy(
      `${before.length} accounts of the data set "${set}" are there already. Seed with --replace to put the new one in their place.`,
    );
  for (const { name, accounts } of await partitionsOf(sql, before))
    await sql.unsafe(`delete from ${name} where user_id = any ($1::uuid[])`, [arrayOf(accounts)]);
  await sql`delete from auth.accounts where id = any (${arrayOf(before)}::uuid[])`;
}

const arrayOf = (ids: Iterable<string>): string => `{${[...ids].join(',')}}`;

async function addAccounts(sql: postgres.TransactionSql, accounts: readonly SeedAccount[], passwordHash: string): Promise<void> {
  const rows = accounts.map(({ id, email, createdMs }) => ({ id, email, created_at: new Date(createdMs).toISOString() }));
  await sql`
    insert into auth.accounts (id, email, email_key, password_hash, created_at)
    select a.id, a.email, a.email, ${passwordHash}, a.created_at
    from json_to_recordset(${JSON.stringify(rows)}::text::json) a(id uuid, email text, created_at timestamptz)`;
}

async function copyRecords(sql: postgres.TransactionSql, options: SeedOptions, accounts: readonly SeedAccount[]): Promise<void> {
  const total = accounts.reduce((sum, account) => sum + account.records, 0);
  let done = 0;
  const places = await partitionsOf(
    sql,
    accounts.map(({ id }) => id),
  );
  for (const place of places) {
    const own = accounts.filter(({ id }) => place.accounts.has(id));
    const stream = await sql.unsafe(`copy ${place.name} (${columns.join(', ')}) from stdin`).writable();
    await pipeline(
      chunksOf(options.set, own, (copied) => options.onProgress(done + copied, total)),
      stream,
      { signal: options.signal },
    );
    done += own.reduce((sum, account) => sum + account.records, 0);
  }
}

/** What COPY reads, in pieces of some size. */
function* chunksOf(set: DataSet, accounts: readonly SeedAccount[], onCopied: (records: number) => void): Generator<string> {
  let [text, copied] = ['', 0];
  for (const account of accounts) {
    for (const row of rowsOf(set, account)) {
      text += copyLine(row);
      copied++;
      if (text.length < chunkLength) continue;
      yield text;
      text = '';
      onCopied(copied);
    }
  }
  yield text;
  onCopied(copied);
}
