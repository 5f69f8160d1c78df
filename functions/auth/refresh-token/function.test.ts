import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Started, startFunction } from '../../testing/start.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import refreshToken from './function.ts';

const path = '/api/auth/refresh';

describe('RefreshToken, through the front door', () => {
  let auth: AuthTest;
  let operations: Awaited<ReturnType<typeof authOperations>>;
  let started: Started<{ refreshToken: string }, { token: string; refreshToken: string }>;
  before(async () => {
    auth = await authTest();
    operations = await authOperations(auth);
    started = await startFunction(refreshToken, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await auth?.drop();
  });
  const newToken = async () => (await operations.register({ email: newEmail(), password: goodPassword })).refreshToken;

  test('two uses at once, one in each dialect, get the same child', async () => {
    const parent = await newToken();
    const [http, grpc] = await Promise.all([
      started.json('POST', path, { body: { refreshToken: parent } }),
      started.call({ refreshToken: parent }),
    ]);
    assert.equal(http.status, 200);
    assert.deepEqual(Object.keys(http.body).sort(), ['refreshToken', 'token']);
    assert.equal(http.body.refreshToken, grpc.refreshToken);
  });

  test('instances with the same key agree on the child', async () => {
    const other = await startFunction(refreshToken, auth.environment);
    const parent = await newToken();
    const children = await Promise.all(
      [started, other, started, other].map((instance) => instance.json('POST', path, { body: { refreshToken: parent } })),
    );
    assert.equal(new Set(children.map(({ body }) => body.refreshToken)).size, 1);
    await other.stop();
  });

  test('a token that is not good is 401 and UNAUTHENTICATED, and both spellings of the field are read', async () => {
    for (const body of [{ refreshToken: 'x' }, { refresh_token: 'A'.repeat(43) }]) {
      const answer = await started.json('POST', path, { body });
      assert.deepEqual([answer.status, answer.body.code], [401, 'INVALID_REFRESH_TOKEN']);
    }
    await assert.rejects(started.call({ refreshToken: 'x' }), { code: 16, reason: 'INVALID_REFRESH_TOKEN' });
  });

  test('reuse ends the family, and the answer does not say so', async () => {
    const parent = await newToken();
    const child = await started.call({ refreshToken: parent });
    await auth.database.sql`update auth.refresh_tokens set used_at = used_at - interval '6 seconds' where used_at is not null`;
    const unknown = await started.json('POST', path, { body: { refreshToken: 'A'.repeat(43) } });
    const reused = await started.json('POST', path, { body: { refreshToken: parent } });
    assert.deepEqual({ ...reused.body, instance: '' }, { ...unknown.body, instance: '' });
    await assert.rejects(started.call({ refreshToken: child.refreshToken }), { reason: 'INVALID_REFRESH_TOKEN' });
  });

  test('a missing token is a fault of the field', async () => {
    const { status, body } = await started.json('POST', path, { body: {} });
    assert.deepEqual([status, body.errors[0].pointer, body.errors[0].reason], [400, '/refreshToken', 'REQUIRED']);
    await assert.rejects(started.call({}), { code: 3, reason: 'INVALID_FIELDS' });
  });
});
