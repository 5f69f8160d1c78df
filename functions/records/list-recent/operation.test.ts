import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('listRecent', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  test('it is the records that were added last, the newest first and whole', async () => {
    const bob = await records.newCollector();
    await operations.add(bob, { name: 'Not hers' });
    const first = await operations.add(alice, everything);
    const second = await operations.add(alice, { name: 'Second' });
    assert.deepEqual((await operations.listRecent(alice, {})).records, [second, first]);
    assert.deepEqual((await operations.listRecent(alice, { limit: 1 })).records, [second]);
    const { record } = await operations.updateRecord(alice, { recordId: first.id, record: { notes: 'changed' }, updateMask: ['notes'] });
    assert.deepEqual((await operations.listRecent(alice, {})).records, [second, record], 'a change is no addition');
    await operations.deleteRecord(alice, { recordId: second.id });
    assert.deepEqual((await operations.listRecent(alice, {})).records, [record]);
  });

  test('it is 20 when nobody says how many, and 200 at most', async () => {
    const carol = await records.newCollector();
    assert.deepEqual(await operations.listRecent(carol, {}), { records: [] });
    await records.database.sql`insert into records.records (id, user_id, artist, name)
      select gen_random_uuid(), ${carol.userId}, 'Various', 'Volume ' || n from generate_series(1, 205) n`;
    for (const [limit, expected] of [
      [0, 20],
      [200, 200],
      [201, 200],
      [2_147_483_647, 200],
    ])
      assert.equal((await operations.listRecent(carol, { limit: limit as number })).records.length, expected);
  });
});
