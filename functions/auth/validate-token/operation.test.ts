import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rotateSigningKey } from '../../../scripts/keys/signing-keys.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';

const invalid = { valid: false, user: undefined };

describe('ValidateToken', () => {
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

  test('a good token is valid, and says whose it is', async () => {
    const { token, user } = await newSession();
    assert.deepEqual(await operations.validateToken({ token }), { valid: true, user });
  });

  test('a bad token is an answer and not an error', async () => {
    const { token } = await newSession();
    const [head, body] = token.split('.');
    for (const bad of ['x', `${head}.${body}.`, `${token.slice(0, -4)}AAAA`, 'x'.repeat(4096)])
      assert.deepEqual(await operations.validateToken({ token: bad }), invalid);
  });

  test('a token of another issuer or audience is not valid', async () => {
    const { token } = await newSession();
    for (const [variable, value] of [
      ['TOKEN_ISSUER', 'https://other.test'],
      ['TOKEN_AUDIENCE', 'other'],
    ] as const) {
      const other = await authOperations(auth, { [variable]: value });
      assert.deepEqual(await other.validateToken({ token }), invalid);
      await other.close();
    }
  });

  test('a token is not valid any more when its account is disabled or deleted', async () => {
    const [one, two] = await Promise.all([newSession(), newSession()]);
    await auth.database.sql`update auth.accounts set disabled_at = now() where id = ${one.user?.id ?? ''}`;
    await auth.database.sql`delete from auth.accounts where id = ${two.user?.id ?? ''}`;
    assert.deepEqual(await operations.validateToken({ token: one.token }), invalid);
    assert.deepEqual(await operations.validateToken({ token: two.token }), invalid);
  });

  test('where the database cannot be reached it is UPSTREAM_UNAVAILABLE: not valid, and not invalid', async () => {
    const { token } = await newSession();
    const cutOff = await authOperations(auth, { DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/nowhere' });
    await assert.rejects(cutOff.validateToken({ token }), { name: 'Refusal', reason: 'UPSTREAM_UNAVAILABLE' });
    await cutOff.close();
  });

  test('after a rotation old tokens stay valid and new ones come from the new key once it is active', async () => {
    const { token } = await newSession();
    await rotateSigningKey(auth.keys);
    assert.equal((await operations.validateToken({ token })).valid, true);
    const { token: soon } = await newSession();
    const kidOf = (each: string) => JSON.parse(Buffer.from(each.split('.')[0] as string, 'base64url').toString()).kid;
    assert.equal(kidOf(soon), kidOf(token), 'the new key is published before it signs');
    // Ten minutes pass.
    await auth.database
      .sql`update auth.signing_keys set active_from = active_from - interval '10 minutes', retire_at = retire_at - interval '10 minutes'`;
    const later = await authOperations(auth);
    const { token: fresh } = await later.register({ email: newEmail(), password: goodPassword });
    assert.notEqual(kidOf(fresh), kidOf(token));
    for (const each of [token, soon, fresh]) assert.equal((await later.validateToken({ token: each })).valid, true);
    await later.close();
  });

  test('tokens of a compromised key are refused, and a refresh gives a good one', async () => {
    const { token, refreshToken } = await newSession();
    await rotateSigningKey(auth.keys, { compromised: true });
    const later = await authOperations(auth);
    assert.deepEqual(await later.validateToken({ token }), invalid);
    assert.equal((await later.validateToken({ token: (await later.refreshToken({ refreshToken })).token })).valid, true);
    await later.close();
  });
});
