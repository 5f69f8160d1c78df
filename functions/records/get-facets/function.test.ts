import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { GetFacetsRequest, GetFacetsResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import getFacets from './function.ts';

describe('GetFacets, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<GetFacetsRequest, GetFacetsResponse>;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    started = await startFunction(getFacets, records.environment);
    await operations.add(alice, { format: 'LP', label: 'Spoon', releaseYear: 1971 });
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  test('facets are the same in JSON and over gRPC', async () => {
    const { status, body } = await started.json('GET', '/api/records:facets?q=can&label=spoon', alice);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      formats: [{ value: 'LP', count: 1 }],
      labels: [{ value: 'Spoon', count: 1 }],
      decades: [{ decade: 1970, count: 1 }],
      countsAreLowerBounds: false,
    });
    assert.deepEqual(await started.call({ query: 'can', label: 'spoon' }, alice), body);
  });

  test('another account is told nothing of it', async () => {
    const bob = await records.newCollector();
    const none = { formats: [], labels: [], decades: [], countsAreLowerBounds: false };
    assert.deepEqual((await started.json('GET', '/api/records:facets', bob)).body, none);
    const { status, body } = await started.json('GET', `/api/records:facets?userId=${alice.userId}`, bob);
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
  });

  test('a filter that is none is INVALID_FIELDS in both dialects', async () => {
    const { status, body } = await started.json('GET', '/api/records:facets?gradeMin=superb', alice);
    assert.deepEqual([status, body.code, body.errors[0].reason], [400, 'INVALID_FIELDS', 'NOT_A_GRADE']);
    await assert.rejects(started.call({ gradeMin: 'superb' }, alice), { code: 3, reason: 'INVALID_FIELDS' });
  });

  test('without a token, or with a session that has ended, nothing is told', async () => {
    assert.equal((await started.json('GET', '/api/records:facets')).status, 401);
    const carol = await records.newCollector();
    await carol.logout();
    await assert.rejects(started.call({}, carol), { code: 16, reason: 'SESSION_ENDED' });
  });
});
