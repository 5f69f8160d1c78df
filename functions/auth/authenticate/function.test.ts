import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Started, startFunction } from '../../testing/start.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import authenticate from './function.ts';

const path = '/api/auth/login';

describe('Authenticate, through the front door', () => {
  let auth: AuthTest;
  let started: Started<{ email: string; password: string }, { token: string; refreshToken: string; user?: { email: string } }>;
  const email = newEmail();
  const disabled = newEmail();
  before(async () => {
    auth = await authTest();
    const operations = await authOperations(auth);
    for (const address of [email, disabled]) await operations.register({ email: address, password: goodPassword });
    await auth.database.sql`update auth.accounts set disabled_at = now() where email = ${disabled}`;
    await operations.close();
    started = await startFunction(authenticate, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await auth?.drop();
  });

  test('the right password gives tokens and the account, over HTTP and gRPC', async () => {
    const { status, body } = await started.json('POST', path, { body: { email, password: goodPassword } });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), ['refreshToken', 'token', 'user']);
    assert.equal(body.user.email, email);
    assert.equal((await started.call({ email, password: goodPassword })).user?.email, email);
  });

  test('an unknown account, a wrong password and a disabled account answer the same to the letter, in both dialects', async () => {
    const seen = { http: new Set<string>(), grpc: new Set<string>() };
    for (const request of [
      { email: newEmail(), password: goodPassword },
      { email, password: 'wrong horse battery' },
      { email: disabled, password: goodPassword },
    ]) {
      const { status, body, headers } = await started.json('POST', path, { body: request });
      assert.equal(status, 401);
      assert.equal(body.code, 'INVALID_CREDENTIALS');
      // The request id and the date are each answer's own.
      const told = [...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date');
      seen.http.add(JSON.stringify([told, { ...body, instance: '' }]));
      const refusal = await started.call(request).catch((error) => error);
      assert.deepEqual([refusal.code, refusal.reason], [16, 'INVALID_CREDENTIALS']);
      seen.grpc.add(refusal.message);
    }
    assert.equal(seen.http.size, 1);
    assert.equal(seen.grpc.size, 1);
  });

  test('where the database cannot be reached it is 503 with Retry-After, and never an answer about the password', async () => {
    const cutOff = await startFunction(authenticate, { ...auth.environment, DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/nowhere' });
    const { status, body, headers } = await cutOff.json('POST', path, { body: { email, password: goodPassword } });
    assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'UPSTREAM_UNAVAILABLE', '1']);
    await cutOff.stop();
  });
});
