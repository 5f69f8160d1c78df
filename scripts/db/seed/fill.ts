import { pipeline } from 'node:stream/promises';
import type postgres from 'postgres';
import type { DataSet, SeedAccount } from './accounts.ts';
import { columns, copyLine, rowsOf } from './rows.ts';
import type { Unit } from './units.ts';

export interface Filling {
  readonly set: DataSet;
  readonly passwordHash: string;
  /** Told how many records more were handed over. */
  readonly onCopied: (records: number) => void;
  readonly signal: AbortSignal;
}

/** Text of so many characters is handed to PostgreSQL at once. */
const chunkLength = 256 * 1024;
/** A single account with so many records is copied by two connections at once. */
const sharedMin = 20_000;

/**
 * Fills the accounts of a unit. An account is there when all of its records are: what an interrupted run left of it before is taken away
 * first. One transaction, but for an account that is too large for one connection.
 */
export async function fillUnit(sql: postgres.Sql, unit: Unit, filling: Filling): Promise<void> {
  const chunks = chunksOf(unit.accounts, filling);
  if (unit.records < sharedMin) {
    await sql.begin(async (transaction) => {
      await removeRecords(transaction, unit.partition, idsOf(unit));
      await copy(transaction, unit, chunks, filling.signal);
      await addAccounts(transaction, unit, filling.passwordHash);
    });
    return;
  }
  await removeRecords(sql, unit.partition, idsOf(unit));
  const half = () => sql.begin((transaction) => copy(transaction, unit, chunks, filling.signal));
  await Promise.all([half(), half()]);
  await sql.begin((transaction) => addAccounts(transaction, unit, filling.passwordHash));
}

const idsOf = (unit: Unit): string[] => unit.accounts.map(({ id }) => id);
export const arrayOf = (ids: Iterable<string>): string => `{${[...ids].join(',')}}`;

/** As each account in turn: row-level security holds for the owner of the words too. */
const asEach = (ids: readonly string[], statement: string): string => `do $$
  declare
    account uuid;
  begin
    foreach account in array '${arrayOf(ids)}'::uuid[] loop
      perform set_config('app.user_id', account::text, true);
      ${statement};
    end loop;
    perform set_config('app.user_id', '', true);
  end $$`;

/** Takes away the records of accounts, and the words that were learnt from them. */
export async function removeRecords(sql: postgres.ISql, partition: string, ids: readonly string[]): Promise<void> {
  await sql.unsafe(`delete from ${partition} where user_id = any ('${arrayOf(ids)}'::uuid[])`);
  for (const table of ['words', 'learnt']) await sql.unsafe(asEach(ids, `delete from records.${table} where user_id = account`));
}

/** Copies what is left of the chunks, which another connection may be taking from too. */
async function copy(sql: postgres.TransactionSql, unit: Unit, chunks: Iterator<string>, signal: AbortSignal): Promise<void> {
  const stream = await sql.unsafe(`copy ${unit.partition} (${columns.join(', ')}) from stdin`).writable();
  // The stream ends its source when it is done; the chunks are the other one's as well.
  function* own(): Generator<string> {
    for (let next = chunks.next(); !next.done; next = chunks.next()) yield next.value;
  }
  await pipeline(own(), stream, { signal });
}

/** What COPY reads, in pieces. */
function* chunksOf(accounts: readonly SeedAccount[], { set, onCopied }: Filling): Generator<string, void> {
  let [text, records] = ['', 0];
  for (const account of accounts) {
    for (const row of rowsOf(set, account)) {
      text += copyLine(row);
      records++;
      if (text.length < chunkLength) continue;
      yield text;
      onCopied(records);
      [text, records] = ['', 0];
    }
  }
  if (text !== '') yield text;
  onCopied(records);
}

/**
 * The accounts themselves, and the words of their records, which a search corrects typos against. It would learn them itself, ten thousand
 * records at a time: here they are learnt, and that is said.
 */
async function addAccounts(sql: postgres.TransactionSql, { accounts }: Unit, passwordHash: string): Promise<void> {
  await sql.unsafe(
    asEach(
      accounts.map(({ id }) => id),
      `insert into records.words (user_id, word)
        select distinct r.user_id, substr(lexeme, 7) as word
        from records.records r cross join unnest(tsvector_to_array(r.document)) lexeme
        where r.user_id = account
        order by user_id, word;
      insert into records.learnt (user_id, up_to) values (account, now())`,
    ),
  );
  const rows = accounts.map(({ id, email, createdMs }) => ({ id, email, created_at: new Date(createdMs).toISOString() }));
  await sql`
    insert into auth.accounts (id, email, email_key, password_hash, created_at)
    select a.id, a.email, a.email, ${passwordHash}, a.created_at
    from json_to_recordset(${JSON.stringify(rows)}::text::json) a(id uuid, email text, created_at timestamptz)`;
}
