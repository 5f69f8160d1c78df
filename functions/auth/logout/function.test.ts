import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Started, startFunction } from '../../testing/start.ts';
import getMe from '../get-me/function.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import validateToken from '../validate-token/function.ts';
import logout from './function.ts';

const path = '/api/auth/logout';

describe('Logout, through the front door', () => {
  let auth: AuthTest;
  let operations: Awaited<ReturnType<typeof authOperations>>;
  let started: Started<{ refreshToken: string }, object>;
  let me: Started<object, object>;
  let validate: Started<{ token: string }, { valid: boolean }>;
  before(async () => {
    auth = await authTest();
    operations = await authOperations(auth);
    [started, me, validate] = await Promise.all([
      startFunction(logout, auth.environment),
      startFunction(getMe, auth.environment),
      startFunction(validateToken, auth.environment),
    ]);
  });
  after(async () => {
    await Promise.all([started?.stop(), me?.stop(), validate?.stop()]);
    await operations?.close();
    await auth?.drop();
  });
  const newSession = () => operations.register({ email: newEmail(), password: goodPassword });

  test('is 204 without a body, and from then on no function takes the token, though each has it in memory as verified', async () => {
    for (const end of [
      (refreshToken: string): Promise<object> => started.json('POST', path, { body: { refreshToken } }),
      (refreshToken: string) => started.call({ refreshToken }),
    ]) {
      const { token, refreshToken } = await newSession();
      assert.equal((await me.json('GET', '/api/auth/me', { token })).status, 200);
      assert.equal((await validate.call({ token })).valid, true);
      const answer = await end(refreshToken);
      if ('status' in answer && 'body' in answer) assert.deepEqual([answer.status, answer.body], [204, '']);
      const refused = await me.json('GET', '/api/auth/me', { token });
      assert.deepEqual([refused.status, refused.body.code], [401, 'SESSION_ENDED']);
      await assert.rejects(me.call({}, { token }), { code: 16, reason: 'SESSION_ENDED' });
      assert.equal((await validate.call({ token })).valid, false);
    }
  });

  test('of an unknown token is 204 too', async () => {
    for (const refreshToken of ['x', 'A'.repeat(43)])
      assert.equal((await started.json('POST', path, { body: { refreshToken } })).status, 204);
  });
});
