import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFunction } from '../../testing/start.ts';
import { recordsTest } from '../testing.ts';
import healthCheck from './function.ts';

test('HealthCheck answers 200 in both dialects, and says whether the database can be reached', async () => {
  const records = await recordsTest();
  for (const { url, healthy } of [
    { url: records.environment.DATABASE_URL as string, healthy: true },
    { url: 'postgres://record_app:x@127.0.0.1:1/nowhere', healthy: false },
  ]) {
    const started = await startFunction(healthCheck, { ...records.environment, DATABASE_URL: url });
    const { status, body } = await started.json('GET', '/api/records/healthz');
    assert.deepEqual([status, body.healthy, typeof body.version], [200, healthy, 'string']);
    assert.equal((await started.call({})).healthy, healthy);
    await started.stop();
  }
  await records.drop();
});
