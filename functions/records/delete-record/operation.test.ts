import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('deleteRecord', () => {
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

  test('a record is removed once', async () => {
    const { id } = await operations.add(alice, {});
    assert.deepEqual(await operations.deleteRecord(alice, { recordId: id }), { success: true });
    await assert.rejects(operations.getRecord(alice, { recordId: id }), { reason: 'NOT_FOUND' });
    await assert.rejects(operations.deleteRecord(alice, { recordId: id }), { reason: 'NOT_FOUND' });
    await assert.rejects(operations.deleteRecord(alice, { recordId: randomUUIDv7(), etag: '1' }), { reason: 'NOT_FOUND' });
  });

  test('a record that has changed since is not removed', async () => {
    const { id, etag } = await operations.add(alice, {});
    await operations.updateRecord(alice, { recordId: id, record: { notes: 'precious' } });
    await assert.rejects(operations.deleteRecord(alice, { recordId: id, etag }), { reason: 'ETAG_MISMATCH' });
    assert.deepEqual(await operations.deleteRecord(alice, { recordId: id, etag: '"2"' }), { success: true });
  });

  test('a record of another account is not found and stays', async () => {
    const { id } = await operations.add(alice, {});
    for (const etag of ['', '*', '1', '2'])
      await assert.rejects(operations.deleteRecord(bob, { recordId: id, etag }), { reason: 'NOT_FOUND' });
    assert.ok((await operations.getRecord(alice, { recordId: id })).record);
  });
});
