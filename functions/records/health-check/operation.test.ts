import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOperations, recordsTest } from '../testing.ts';

test('it is healthy while the database answers, and says so when it does not', async () => {
  const records = await recordsTest();
  const nobody = { userId: '', sessionId: '' };
  const operations = await recordsOperations(records);
  assert.deepEqual(await operations.healthCheck(nobody, {}), { healthy: true, version: 'test' });
  const cutOff = await recordsOperations({
    ...records,
    environment: { ...records.environment, DATABASE_URL: 'postgres://record_app:x@127.0.0.1:1/nowhere' },
  });
  assert.deepEqual(await cutOff.healthCheck(nobody, {}), { healthy: false, version: 'test' });
  await cutOff.close();
  await operations.close();
  await records.drop();
});
