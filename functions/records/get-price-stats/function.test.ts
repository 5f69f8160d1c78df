import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { GetPriceStatsRequest, GetPriceStatsResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import getPriceStats from './function.ts';

describe('GetPriceStats, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<GetPriceStatsRequest, GetPriceStatsResponse>;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    started = await startFunction(getPriceStats, records.environment);
    await operations.add(alice, { price: '12.5', currency: 'EUR' });
    await operations.add(alice, {});
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  test('they are the same in JSON and over gRPC, amounts as decimal strings', async () => {
    const { status, body } = await started.json('GET', '/api/records:priceStats?q=can', alice);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      stats: [{ currency: 'EUR', count: 1, min: '12.50', median: '12.50', mean: '12.50', p90: '12.50', max: '12.50', sum: '12.50' }],
      withoutPrice: 1,
      countsAreLowerBounds: false,
    });
    assert.deepEqual(await started.call({ query: 'can' }, alice), body);
  });

  test('another account is told nothing of it', async () => {
    const bob = await records.newCollector();
    const none = { stats: [], withoutPrice: 0, countsAreLowerBounds: false };
    assert.deepEqual((await started.json('GET', '/api/records:priceStats', bob)).body, none);
    const { status, body } = await started.json('GET', `/api/records:priceStats?userId=${alice.userId}`, bob);
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
  });

  test('a filter that is none is INVALID_FIELDS in both dialects', async () => {
    const { status, body } = await started.json('GET', '/api/records:priceStats?currency=XXL', alice);
    assert.deepEqual([status, body.code, body.errors[0].reason], [400, 'INVALID_FIELDS', 'NOT_A_CURRENCY']);
    await assert.rejects(started.call({ priceMax: '1,50' }, alice), { code: 3, reason: 'INVALID_FIELDS' });
  });

  test('without a token, or with a session that has ended, nothing is told', async () => {
    assert.equal((await started.json('GET', '/api/records:priceStats')).status, 401);
    const carol = await records.newCollector();
    await carol.logout();
    await assert.rejects(started.call({}, carol), { code: 16, reason: 'SESSION_ENDED' });
  });
});
