import assert from 'node:assert/strict';
import postgres from 'postgres';
import { accountsOf, type DataSet } from '../../db/seed/accounts.ts';
import { rowsOf, type SeedRow } from '../../db/seed/rows.ts';
import type { Store } from './store.ts';

const accountsTried = 40;
const readsEach = 10;
const prefixesTried = 20;

/**
 * Holds answers against what the generator makes anew, which is where the rows come from, and completions against all rows of the account.
 * @returns how many answers were compared
 * @throws AssertionError at the first that differs: figures of wrong answers are worth nothing
 */
export async function checkAnswers(store: Store, records: number): Promise<number> {
  return (await checkReads(store, records)) + (await checkCompletions(store));
}

/** Records by id and first pages. */
async function checkReads(store: Store, records: number): Promise<number> {
  const set: DataSet = 'skewed';
  const app = postgres(store.url(set, 'record_app'), { max: 1, fetch_types: false });
  const admin = postgres(store.url(set, 'postgres'), { max: 1, fetch_types: false });
  let compared = 0;
  try {
    const accounts = accountsOf(set, records);
    for (let index = 0; index < accountsTried; index++) {
      const account = accounts[Math.floor((index * accounts.length) / accountsTried)];
      if (account === undefined) throw new Error('There is no account to ask for.');
      const [session] = await admin<{ id: string }[]>`select id from auth.sessions where user_id = ${account.id}`;
      const rows: SeedRow[] = [...rowsOf(set, account)];
      for (let read = 0; read < readsEach; read++, compared++) {
        const row = rows[Math.floor((read * rows.length) / readsEach)] as SeedRow;
        const [found]: postgres.Row[] = await app`select * from records.read_record(${account.id}, ${session?.id as string}, ${row.id})`;
        assert.deepEqual(
          [found?.id, found?.artist, found?.name, found?.catalog_number, found?.price, found?.notes],
          [row.id, row.artist, row.name, row.catalog_number, row.price, row.notes],
        );
      }
      const page: { id: string; total: number }[] = await app<{ id: string; total: number }[]>`
        select f.total, f.id from records.list_records(
          ${account.id}, ${session?.id as string}, '', '{}', 'NEWEST', 50, 0, null, null, null, null) f`;
      assert.deepEqual(
        page.map(({ id }) => id),
        rows
          .slice(-50)
          .reverse()
          .map(({ id }) => id),
      );
      assert.equal(page[0]?.total, rows.length);
      compared++;
    }
    return compared;
  } finally {
    await app.end({ timeout: 5 });
    await admin.end({ timeout: 5 });
  }
}

/** Completions of the account that owns everything. */
async function checkCompletions(store: Store): Promise<number> {
  const app = postgres(store.url('heaviest', 'record_app'), { max: 1, fetch_types: false });
  const admin = postgres(store.url('heaviest', 'postgres'), { max: 1, fetch_types: false });
  try {
    const asked = await admin<{ user_id: string; session_id: string; field: string; prefix: string; count: number; values: number }[]>`
      with q as materialized (select *, records.normal_form(prefix) as norm from bench.prefixes where char_length(prefix) > 2 order by n desc limit ${prefixesTried})
      select q.user_id, q.session_id, q.field, q.prefix, q.count, (
        select count(distinct case q.field when 'ARTIST' then r.artist_norm when 'LABEL' then r.label_norm else r.catalog_norm end)::int
        from records.records r
        where r.user_id = q.user_id
          and starts_with(case q.field when 'ARTIST' then r.artist_norm when 'LABEL' then r.label_norm else r.catalog_norm end, q.norm)) as values
      from q`;
    for (const { user_id, session_id, field, prefix, count, values } of asked) {
      const found = await app<{ fits: boolean }[]>`
        select starts_with(records.normal_form(a.value), records.normal_form(${prefix})) as fits
        from records.autocomplete(${user_id}, ${session_id}, ${field}, ${prefix}, ${count}) a`;
      assert.ok(
        found.every(({ fits }) => fits),
        `${field} ${prefix}`,
      );
      assert.equal(found.length, Math.min(count, values), `${field} ${prefix}`);
    }
    return asked.length;
  } finally {
    await app.end({ timeout: 5 });
    await admin.end({ timeout: 5 });
  }
}
