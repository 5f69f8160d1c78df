import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Started, startFunction } from '../../testing/start.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import validateToken from './function.ts';

const path = '/api/auth/validate';

describe('ValidateToken, through the front door', () => {
  let auth: AuthTest;
  let started: Started<{ token: string }, { valid: boolean; user?: object }>;
  let token: string;
  let user: object | undefined;
  before(async () => {
    auth = await authTest();
    const operations = await authOperations(auth);
    ({ token, user } = await operations.register({ email: newEmail(), password: goodPassword }));
    await operations.close();
    started = await startFunction(validateToken, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await auth?.drop();
  });

  test('a good token is valid and says whose it is, over HTTP and gRPC', async () => {
    const { status, body } = await started.json('POST', path, { body: { token } });
    assert.deepEqual([status, body], [200, { valid: true, user }]);
    assert.deepEqual({ ...(await started.call({ token })) }, { valid: true, user });
  });

  test('a bad one is 200 and not valid, and no user is told', async () => {
    for (const bad of ['x', `${token}x`, token.split('.').slice(0, 2).join('.')]) {
      const { status, body } = await started.json('POST', path, { body: { token: bad } });
      assert.deepEqual([status, body], [200, { valid: false }]);
      assert.deepEqual({ ...(await started.call({ token: bad })) }, { valid: false, user: undefined });
    }
  });

  test('where the database cannot be reached it is 503 and UNAVAILABLE', async () => {
    const cutOff = await startFunction(validateToken, { ...auth.environment, DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/nowhere' });
    const { status, body, headers } = await cutOff.json('POST', path, { body: { token } });
    assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'UPSTREAM_UNAVAILABLE', '1']);
    await assert.rejects(cutOff.call({ token }), { code: 14, reason: 'UPSTREAM_UNAVAILABLE' });
    await cutOff.stop();
  });
});
