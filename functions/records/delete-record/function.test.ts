import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DeleteRecordRequest, DeleteRecordResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import deleteRecord from './function.ts';

describe('DeleteRecord, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<DeleteRecordRequest, DeleteRecordResponse>;
  let alice: Collector;
  let bob: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    started = await startFunction(deleteRecord, records.environment);
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  test('it is 204 without a body, then 404', async () => {
    const { id } = await operations.add(alice, {});
    const { status, body } = await started.json('DELETE', `/api/records/${id}`, alice);
    assert.deepEqual([status, body], [204, '']);
    const again = await started.json('DELETE', `/api/records/${id}`, alice);
    assert.deepEqual([again.status, again.body.code], [404, 'NOT_FOUND']);
  });

  test('over gRPC it answers success, then NOT_FOUND', async () => {
    const { id } = await operations.add(alice, {});
    assert.deepEqual(await started.call({ recordId: id }, alice), { success: true });
    await assert.rejects(started.call({ recordId: id }, alice), { code: 5, reason: 'NOT_FOUND' });
  });

  test('a record that has changed since stays', async () => {
    const { id } = await operations.add(alice, {});
    const { status, body } = await started.json('DELETE', `/api/records/${id}`, { token: alice.token, headers: { 'if-match': '"0"' } });
    assert.deepEqual([status, body.code], [412, 'ETAG_MISMATCH']);
    await assert.rejects(started.call({ recordId: id, etag: '0' }, alice), { code: 10, reason: 'ETAG_MISMATCH' });
    assert.equal((await started.json('DELETE', `/api/records/${id}`, { token: alice.token, headers: { 'if-match': '"1"' } })).status, 204);
  });

  test('a record of another account is not found and stays', async () => {
    const { id } = await operations.add(alice, {});
    assert.equal((await started.json('DELETE', `/api/records/${id}`, bob)).status, 404);
    await assert.rejects(started.call({ recordId: id }, bob), { code: 5, reason: 'NOT_FOUND' });
    assert.ok(await operations.getRecord(alice, { recordId: id }));
  });
});
