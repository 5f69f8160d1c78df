import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('getRecord', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  let bob: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  test('every field comes back as it was stored', async () => {
    const created = await operations.add(alice, everything);
    const { record } = await operations.getRecord(alice, { recordId: created.id });
    assert.deepEqual(record, created);
    const { id, userId, createdAt, updatedAt, etag, ...given } = record ?? assert.fail();
    assert.deepEqual(given, everything);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'a UUIDv7');
    assert.equal(userId, alice.userId);
    assert.equal(createdAt, new Date(createdAt).toISOString());
    assert.equal(updatedAt, createdAt);
    assert.equal(etag, '1');
  });

  test('a record with a name alone has no other field, and lists that are empty', async () => {
    const { id } = await operations.add(alice, { artist: 'Neu!', name: 'Neu!' });
    const { record } = await operations.getRecord(alice, { recordId: id.toUpperCase() });
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(record))).sort(), [
      'aliases',
      'artist',
      'createdAt',
      'etag',
      'id',
      'media',
      'name',
      'updatedAt',
      'userId',
    ]);
    assert.deepEqual([record?.media, record?.aliases], [[], []]);
  });

  test('a record of another account is not found, like one that does not exist', async () => {
    const { id } = await operations.add(alice, {});
    for (const recordId of [id, randomUUIDv7()]) await assert.rejects(operations.getRecord(bob, { recordId }), { reason: 'NOT_FOUND' });
  });

  test('a session that has ended reads nothing, at once', async () => {
    const carol = await records.newCollector();
    const { id } = await operations.add(carol, {});
    await carol.logout();
    await assert.rejects(operations.getRecord(carol, { recordId: id }), { reason: 'SESSION_ENDED' });
    await assert.rejects(operations.getRecord({ ...alice, userId: carol.userId }, { recordId: id }), { reason: 'SESSION_ENDED' });
  });

  test('it works where PgBouncer keeps no prepared statements', async () => {
    const unprepared = await recordsOperations(records, { prepare: false });
    const { id, etag } = await unprepared.add(alice, everything);
    for (let round = 0; round < 10; round++) assert.equal((await unprepared.getRecord(alice, { recordId: id })).record?.etag, etag);
    await unprepared.close();
  });
});
