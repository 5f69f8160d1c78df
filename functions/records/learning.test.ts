import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import postgres from 'postgres';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from './testing.ts';

// Typos are corrected against the words of an account. Those of a record that is written alone are learnt when they are needed: what is new is found by
// its time, what was changed is noted.
describe('the words of new records', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let sql: postgres.Sql;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    sql = postgres(records.environment.DATABASE_URL as string, { max: 3, fetch_types: false });
  });
  after(async () => {
    await sql?.end();
    await operations?.close();
    await records?.drop();
  });
  beforeEach(async () => {
    alice = await records.newCollector();
  });

  /** As the superuser sees them. */
  const count = async (table: 'to_learn' | 'words', who = alice): Promise<number> => {
    const [row] = await records.database.sql.unsafe(`select count(*)::int as rows from records.${table} where user_id = $1`, [who.userId]);
    return row?.rows;
  };
  /** Makes her records older than any transaction that may still run. */
  const longAgo = () =>
    records.database.sql.unsafe(
      `set session_replication_role = replica; update records.records set created_at = created_at - interval '1 hour' where user_id = '${alice.userId}'; reset session_replication_role`,
    );
  const find = async (query: string, who = alice) => (await operations.searchRecords(who, { query })).records.map(({ name }) => name);
  /** Begins a transaction as Alice, who is held by it until `end`. */
  const search = (transaction: postgres.TransactionSql | postgres.ReservedSql, query: string) =>
    transaction`select * from records.list_records(${alice.userId}, ${alice.sessionId}, ${query}, '{}', 'RELEVANCE', 51, 0, null, null, null, null)`;

  test('are learnt by the first search that needs them', async () => {
    await operations.add(alice, { name: 'Tago Mago' });
    assert.deepEqual(await find('tago'), ['Tago Mago'], 'what is spelt right needs none');
    assert.equal(await count('words'), 0);
    assert.deepEqual(await find('taog'), ['Tago Mago']);
    assert.deepEqual([await count('to_learn'), await count('words')], [0, 3]);
  });

  test('are those of a changed record, too, and of no removed one', async () => {
    const { id } = await operations.add(alice, { name: 'Future Days' });
    await longAgo();
    assert.deepEqual(await find('futrue'), ['Future Days']);
    await operations.updateRecord(alice, { recordId: id, record: { artist: 'Can', name: 'Landed' } });
    assert.equal(await count('to_learn'), 1);
    const gone = await operations.add(alice, { name: 'Zqxvarium' });
    await operations.deleteRecord(alice, { recordId: gone.id });
    assert.deepEqual(await find('lamded'), ['Landed']);
    const left = await records.database.sql`select word from records.words where user_id = ${alice.userId} order by word`;
    assert.deepEqual([await count('to_learn'), left.map(({ word }) => word)], [0, ['can', 'days', 'future', 'landed']]);
  });

  for (const [what, ask] of [
    ['facets', (query: string) => operations.getFacets(alice, { query })],
    ['price statistics', (query: string) => operations.getPriceStats(alice, { query })],
  ] as const)
    test(`are learnt by ${what} of a misspelt query`, async () => {
      await operations.add(alice, { name: 'Tago Mago', format: 'LP', price: '20.00', currency: 'EUR' });
      assert.match(JSON.stringify(await ask('taog')), /LP|EUR/);
      assert.ok((await count('words')) >= 3);
    });

  test('are looked for once, where the records have settled', async () => {
    await operations.add(alice, { name: 'Tago Mago' });
    await longAgo();
    await find('taog');
    const [seen] = await records.database
      .sql`select now() - up_to as behind, up_to < now() as past from records.learnt where user_id = ${alice.userId}`;
    assert.deepEqual([seen?.past, /^00:00:3\d/.test(seen?.behind)], [true, true], seen?.behind);
    // Nothing reads it any more, so nobody learns what it is called now.
    await records.database.sql.unsafe(
      `set session_replication_role = replica; update records.records set name = 'Zqxvarium' where user_id = '${alice.userId}'; reset session_replication_role`,
    );
    assert.deepEqual(await find('zqxavrium'), []);
  });

  test('are looked for among new records alone: the index begins where they do', async () => {
    const [learning] = await records.database.sql`select prosrc as source from pg_proc where proname = 'learn_with'`;
    const [statement = ''] = /select r\.document, r\.created_at[\s\S]*?with ties/.exec(learning?.source) ?? [];
    const plan = await sql.begin(async (transaction) => {
      await transaction`select auth.begin_call(${alice.userId}, ${alice.sessionId})`;
      const text = statement.replace('p_user', '$1').replace('since', '$2').replace('records_max', '$3');
      await transaction.unsafe(`prepare new_records (uuid, timestamptz, integer) as ${text}`);
      const rows = await transaction.unsafe(`explain (costs off) execute new_records ('${alice.userId}', now(), 10000)`);
      await transaction.unsafe('deallocate new_records');
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    assert.match(plan, /Index Cond: \(\(user_id = .*\) AND \(created_at > /, plan);
  });

  test('are those of a transaction, too, that began before a search and ended after it', async () => {
    await operations.add(alice, { name: 'Soon Over Babaluma' });
    await sql.begin(async (slow) => {
      const row = { artist: 'Can', name: 'Tago Mago', aliases: [], media: [] };
      await slow`select records.create_record(${alice.userId}, ${alice.sessionId}, ${randomUUIDv7()}, ${JSON.stringify(row)}::text::jsonb, null, null)`;
      assert.deepEqual(await find('babalmua'), ['Soon Over Babaluma']);
    });
    assert.deepEqual(await find('taog'), ['Tago Mago']);
  });

  test('are learnt ten thousand records at a time', async () => {
    await records.database.sql`insert into records.records (id, user_id, artist, name, created_at)
      select gen_random_uuid(), ${alice.userId}, 'Can', 'unlimited' || n, now() - interval '1 hour' + n * interval '1 millisecond' from generate_series(1, 10100) n`;
    await find('unlimtied1');
    assert.equal(await count('words'), 10_001);
    await find('unlimtied1');
    assert.equal(await count('words'), 10_101);
  });

  test('are learnt at once where many records are written together', async () => {
    const rows = ['Ege Bamyasi', 'Soundtracks'].map((name) => ({ id: randomUUIDv7(), artist: 'Can', name }));
    await sql`select records.import_records(${alice.userId}, ${alice.sessionId}, ${JSON.stringify(rows)}::text::jsonb)`;
    assert.deepEqual([await count('to_learn'), await count('words')], [0, 4]);
    const [seen] = await records.database.sql`select bool_and(words_learnt) as learnt from records.records where user_id = ${alice.userId}`;
    assert.equal(seen?.learnt, true);
  });

  test('that were there before an import are learnt with its own', async () => {
    await operations.add(alice, { name: 'Tago Mago' });
    const rows = [{ id: randomUUIDv7(), artist: 'Can', name: 'Ege Bamyasi' }];
    await sql`select records.import_records(${alice.userId}, ${alice.sessionId}, ${JSON.stringify(rows)}::text::jsonb)`;
    const words = await records.database.sql`select word from records.words where user_id = ${alice.userId}`;
    assert.deepEqual(
      words
        .map(({ word }) => word)
        .filter((word) => ['tago', 'mago', 'ege', 'bamyasi'].includes(word))
        .sort(),
      ['bamyasi', 'ege', 'mago', 'tago'],
    );
  });

  test('stay to be learnt where the search that learnt them breaks off', async () => {
    const { id } = await operations.add(alice, { name: 'Tago' });
    await operations.updateRecord(alice, { recordId: id, record: { name: 'Tago Mago' } });
    await longAgo();
    await sql
      .begin(async (transaction) => {
        assert.equal((await search(transaction, 'taog')).length, 1);
        await transaction`select 1 / 0`;
      })
      .catch(() => {});
    assert.deepEqual([await count('to_learn'), await count('words')], [1, 0]);
    assert.deepEqual(await find('taog'), ['Tago Mago']);
  });

  test('are found by each of two searches at once, whether the first one ends well or not', async () => {
    for (const end of ['commit', 'rollback']) {
      const name = `Unlimited ${end}`;
      await operations.add(alice, { name });
      const first = await sql.reserve();
      await first`begin`;
      assert.ok((await search(first, `unlimitde ${end}`)).some((row) => row.name === name));
      const second = find(`unlimtied ${end}`);
      // It waits for the words that the first is learning.
      assert.equal(await Promise.race([second, new Promise((resolve) => setTimeout(() => resolve('waits'), 300))]), 'waits');
      await first.unsafe(end);
      first.release();
      assert.ok((await second).includes(name), end);
    }
  });

  test('are learnt by many at once without one failing', async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let round = 0; round < 25; round++) {
          const name = `Rehearsal ${(lane * 7 + round * 3) % 40} and ${lane * 100 + round}`;
          const { id } = await operations.add(alice, { name });
          if (round % 3 === 0)
            assert.ok(
              (await operations.searchRecords(alice, { query: `rehaersal ${lane * 100 + round}` })).records.some((one) => one.id === id),
            );
        }
      }),
    );
  });
});
