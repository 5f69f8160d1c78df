import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ListRecentRequest, ListRecentResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import listRecent from './function.ts';

describe('ListRecent, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<ListRecentRequest, ListRecentResponse>;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    started = await startFunction(listRecent, records.environment);
    for (const name of ['Tago Mago', 'Ege Bamyasi']) await operations.add(alice, { name });
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  test('records are the same in JSON and over gRPC', async () => {
    const { status, body } = await started.json('GET', '/api/records:recent?limit=5', alice);
    assert.equal(status, 200);
    assert.deepEqual(
      body.records.map((record: { name: string }) => record.name),
      ['Ege Bamyasi', 'Tago Mago'],
    );
    assert.deepEqual(body, JSON.parse(JSON.stringify(await started.call({ limit: 5 }, alice))));
  });

  test('another account is told nothing of it', async () => {
    const bob = await records.newCollector();
    assert.deepEqual((await started.json('GET', '/api/records:recent', bob)).body, { records: [] });
    const { status, body } = await started.json('GET', `/api/records:recent?userId=${alice.userId}`, bob);
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
  });

  test('a negative limit is INVALID_FIELDS in both dialects', async () => {
    const { status, body } = await started.json('GET', '/api/records:recent?limit=-1', alice);
    assert.deepEqual([status, body.code], [400, 'INVALID_FIELDS']);
    await assert.rejects(started.call({ limit: -1 }, alice), { code: 3, reason: 'INVALID_FIELDS' });
  });

  test('without a token, or with a session that has ended, nothing is told', async () => {
    assert.equal((await started.json('GET', '/api/records:recent')).status, 401);
    const carol = await records.newCollector();
    await carol.logout();
    await assert.rejects(started.call({}, carol), { code: 16, reason: 'SESSION_ENDED' });
  });
});
