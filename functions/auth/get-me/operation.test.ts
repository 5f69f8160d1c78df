import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';

describe('GetMe', () => {
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
  const newSession = async () => {
    const session = await operations.register({ email: newEmail(), password: goodPassword });
    return { ...session, caller: { userId: session.user?.id ?? '', sessionId: String(decodeJwt(session.token).sid) } };
  };

  test('is the account of the caller', async () => {
    const { user, caller } = await newSession();
    assert.deepEqual(await operations.getMe({}, caller), { user });
  });

  test('a session speaks for its own account only', async () => {
    const [one, two] = await Promise.all([newSession(), newSession()]);
    const mixed = { userId: one.caller.userId, sessionId: two.caller.sessionId };
    await assert.rejects(operations.getMe({}, mixed), { reason: 'SESSION_ENDED' });
    await assert.rejects(operations.getMe({}, { ...one.caller, sessionId: randomUUID() }), { reason: 'SESSION_ENDED' });
  });

  test('an account that is disabled ends all its sessions at once', async () => {
    const { caller } = await newSession();
    await auth.database.sql`update auth.accounts set disabled_at = now() where id = ${caller.userId}`;
    await assert.rejects(operations.getMe({}, caller), { reason: 'SESSION_ENDED' });
  });
});
