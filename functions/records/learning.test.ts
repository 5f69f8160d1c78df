import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import postgres from 'postgres';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from './testing.ts';

// Typos are corrected against the words of an account. A record that is written alone is noted, and its words are learnt when they are needed.
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
  const find = async (query: string, who = alice) => (await operations.searchRecords(who, { query })).records.map(({ name }) => name);
  /** Begins a transaction as Alice, who is held by it until `end`. */
  const search = (transaction: postgres.TransactionSql | postgres.ReservedSql, query: string) =>
    transaction`select * from records.list_records(${alice.userId}, ${alice.sessionId}, ${query}, '{}', 'RELEVANCE', 51, 0, null, null, null, null)`;

  test('are noted, and learnt by the first search that needs them', async () => {
    await operations.add(alice, { name: 'Tago Mago' });
    assert.deepEqual([await count('to_learn'), await count('words')], [1, 0]);
    assert.deepEqual(await find('tago'), ['Tago Mago'], 'what is spelt right needs none');
    assert.equal(await count('to_learn'), 1);
    assert.deepEqual(await find('taog'), ['Tago Mago']);
    assert.deepEqual([await count('to_learn'), await count('words')], [0, 3]);
  });

  test('are those of a changed record, too, and of no removed one', async () => {
    const { id } = await operations.add(alice, { name: 'Future Days' });
    await operations.updateRecord(alice, { recordId: id, record: { artist: 'Can', name: 'Landed' } });
    const gone = await operations.add(alice, { name: 'Zqxvarium' });
    await operations.deleteRecord(alice, { recordId: gone.id });
    assert.deepEqual(await find('lamded'), ['Landed']);
    assert.deepEqual([await count('to_learn'), await count('words')], [0, 2]);
  });

  for (const [what, ask] of [
    ['facets', (query: string) => operations.getFacets(alice, { query })],
    ['price statistics', (query: string) => operations.getPriceStats(alice, { query })],
  ] as const)
    test(`are learnt by ${what} of a misspelt query`, async () => {
      await operations.add(alice, { name: 'Tago Mago', format: 'LP', price: '20.00', currency: 'EUR' });
      assert.match(JSON.stringify(await ask('taog')), /LP|EUR/);
      assert.equal(await count('to_learn'), 0);
    });

  test('are noted for fifty records at most', async () => {
    const most: number[] = [];
    for (let number = 1; number <= 101; number++) {
      await operations.add(alice, { name: `Volume ${number}` });
      most.push(await count('to_learn'));
    }
    assert.deepEqual([Math.max(...most), most[49], most[99], most[100]], [49, 0, 0, 1]);
    assert.ok((await count('words')) >= 100);
  });

  test('are learnt at once where many records are written together', async () => {
    const rows = ['Ege Bamyasi', 'Soundtracks'].map((name) => ({ id: randomUUIDv7(), artist: 'Can', name }));
    await sql`select records.import_records(${alice.userId}, ${alice.sessionId}, ${JSON.stringify(rows)}::text::jsonb)`;
    assert.deepEqual([await count('to_learn'), await count('words')], [0, 4]);
  });

  test('stay noted where the search that learnt them breaks off', async () => {
    await operations.add(alice, { name: 'Tago Mago' });
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
