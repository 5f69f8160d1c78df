import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Refusal } from '../../runtime/refusal.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';

describe('register', () => {
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

  test('makes an account, and a session whose tokens are good at once', async () => {
    const email = newEmail();
    const { token, refreshToken, user } = await operations.register({ email, password: goodPassword });
    assert.match(user?.id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.equal(user?.email, email);
    assert.ok(Math.abs(Date.parse(user?.createdAt ?? '') - Date.now()) < 10_000);
    assert.deepEqual(await operations.validateToken({ token }), { valid: true, user });
    assert.ok(await operations.refreshToken({ refreshToken }));
  });

  test('keeps the address as it was given, and takes it once only, without case', async () => {
    const email = `Jos\u00e9.${newEmail().toUpperCase()}`;
    const { user } = await operations.register({ email, password: goodPassword });
    assert.equal(user?.email, email);
    for (const same of [email, email.toLowerCase(), email.normalize('NFD')])
      await assert.rejects(operations.register({ email: same, password: goodPassword }), { name: 'Refusal', reason: 'EMAIL_TAKEN' });
  });

  test('of many at once with one address one succeeds', async () => {
    const email = newEmail();
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => operations.register({ email, password: goodPassword })));
    assert.deepEqual(results.map((result) => (result.status === 'fulfilled' ? 'made' : result.reason.reason)).sort(), [
      'EMAIL_TAKEN',
      'EMAIL_TAKEN',
      'EMAIL_TAKEN',
      'EMAIL_TAKEN',
      'EMAIL_TAKEN',
      'made',
    ]);
  });

  test('names every fault at once', async () => {
    await assert.rejects(operations.register({ email: 'nobody', password: 'short' }), (error) => {
      assert.ok(error instanceof Refusal);
      assert.equal(error.reason, 'INVALID_FIELDS');
      assert.deepEqual(
        error.violations.map(({ path, reason }) => `${path.join('.')} ${reason}`),
        ['email NOT_AN_EMAIL', 'password TOO_SHORT'],
      );
      return true;
    });
  });

  test('the least length of a password is a setting', async () => {
    const lenient = await authOperations(auth, { PASSWORD_LENGTH_MIN: '7' });
    assert.ok(await lenient.register({ email: newEmail(), password: 'test123' }));
    await lenient.close();
    await assert.rejects(operations.register({ email: newEmail(), password: 'test123' }), { reason: 'INVALID_FIELDS' });
  });

  test('stores no password and no token, only their hashes', async () => {
    const { refreshToken, user } = await operations.register({ email: newEmail(), password: goodPassword });
    const [stored] = await auth.database.sql`
      select a.password_hash, t.hash from auth.accounts a join auth.sessions s on s.user_id = a.id
        join auth.refresh_tokens t on t.session_id = s.id where a.id = ${user?.id ?? ''}`;
    assert.match(stored?.password_hash, /^\$2b\$10\$/);
    assert.equal(stored?.hash.length, 32);
    assert.notEqual(stored?.hash.toString('base64url'), refreshToken);
  });

  test('without a signing key nothing is stored', async () => {
    const keyless = await authTest();
    await keyless.database.sql`delete from auth.signing_keys`;
    const unable = await authOperations(keyless);
    await assert.rejects(unable.register({ email: newEmail(), password: goodPassword }), { reason: 'UPSTREAM_UNAVAILABLE' });
    assert.equal((await keyless.database.sql`select from auth.accounts`).length, 0);
    await unable.close();
    await keyless.drop();
  });
});
