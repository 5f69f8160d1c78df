import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Started, startFunction } from '../../testing/start.ts';
import { type AuthTest, authTest } from '../testing.ts';
import healthCheck from './function.ts';

const path = '/api/auth/healthz';

describe('HealthCheck, through the front door', () => {
  let auth: AuthTest;
  let started: Started<object, { healthy: boolean; version: string }>;
  before(async () => {
    auth = await authTest();
    started = await startFunction(healthCheck, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await auth?.drop();
  });

  test('healthy, with the version of the build, over HTTP and gRPC', async () => {
    const { status, body } = await started.json('GET', path);
    assert.equal(status, 200);
    assert.equal(body.healthy, true);
    assert.match(body.version, /^\d+\.\d+\.\d+/);
    assert.deepEqual({ ...(await started.call({})) }, body);
  });

  test('not healthy, but 200 and OK, while the database cannot be reached', async () => {
    const cutOff = await startFunction(healthCheck, { ...auth.environment, DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/nowhere' });
    const { status, body } = await cutOff.json('GET', path);
    assert.deepEqual([status, body.healthy], [200, false]);
    assert.equal((await cutOff.call({})).healthy, false);
    await cutOff.stop();
  });

  test('not healthy within 3 seconds where the database accepts and then says nothing', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const stuck = await startFunction(healthCheck, {
      ...auth.environment,
      DATABASE_URL: `postgres://auth_app:x@127.0.0.1:${port}/nowhere`,
    });
    const startedAt = performance.now();
    const { status, body } = await stuck.json('GET', path);
    assert.deepEqual([status, body.healthy], [200, false]);
    assert.ok(performance.now() - startedAt < 3000);
    await stuck.stop();
    silent.close();
  });

  test('not healthy where no key can sign tokens', async () => {
    await auth.database.sql`delete from auth.signing_keys`;
    assert.equal((await started.json('GET', path)).body.healthy, false);
  });
});
