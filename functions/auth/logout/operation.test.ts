import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import { newRefreshToken } from '../tokens.ts';

describe('logout', () => {
  let auth: AuthTest;
  let operations: Awaited<ReturnType<typeof authOperations>>;
  before(async () => {
    auth = await authTest();
    operations = await authOperations(auth);
  });
  after(async () => {
    await operations?.close();
    await auth?.drop();
  });

  const newSession = () => operations.register({ email: newEmail(), password: goodPassword });
  const callerOf = (token: string) => ({ userId: String(decodeJwt(token).sub), sessionId: String(decodeJwt(token).sid) });

  test('ends the session at once: for ValidateToken, for a verified token in memory, and for its refresh token', async () => {
    const { token, refreshToken } = await newSession();
    assert.equal((await operations.validateToken({ token })).valid, true);
    assert.ok(await operations.getMe({}, callerOf(token)));
    assert.deepEqual(await operations.logout({ refreshToken }), {});
    assert.deepEqual(await operations.validateToken({ token }), { valid: false, user: undefined });
    await assert.rejects(operations.getMe({}, callerOf(token)), { name: 'Refusal', reason: 'SESSION_ENDED' });
    await assert.rejects(operations.refreshToken({ refreshToken }), { reason: 'INVALID_REFRESH_TOKEN' });
  });

  test('ends it for records functions too: they begin each call with the same check, as record_app', async () => {
    const { token, refreshToken } = await newSession();
    const { userId, sessionId } = callerOf(token);
    const { default: postgres } = await import('postgres');
    const records = postgres(auth.database.recordUrl, { max: 1, fetch_types: false });
    await records`select auth.begin_call(${userId}, ${sessionId})`;
    await operations.logout({ refreshToken });
    await assert.rejects(Promise.resolve(records`select auth.begin_call(${userId}, ${sessionId})`), {
      code: 'RP000',
      message: 'SESSION_ENDED',
    });
    await records.end();
  });

  test('works with a token that was exchanged already, and twice', async () => {
    const { token, refreshToken } = await newSession();
    await operations.refreshToken({ refreshToken });
    await operations.logout({ refreshToken });
    await operations.logout({ refreshToken });
    assert.equal((await operations.validateToken({ token })).valid, false);
  });

  test('of an unknown or malformed token is no error and ends nothing', async () => {
    const { token } = await newSession();
    for (const refreshToken of [newRefreshToken().text, 'x', token]) assert.deepEqual(await operations.logout({ refreshToken }), {});
    assert.equal((await operations.validateToken({ token })).valid, true);
  });
});
