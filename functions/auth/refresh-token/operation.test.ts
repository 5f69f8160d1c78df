import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import { parseRefreshToken } from '../tokens.ts';

const refused = { name: 'Refusal', reason: 'INVALID_REFRESH_TOKEN' };

describe('a refresh token', () => {
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
  const refresh = (refreshToken: string) => operations.refreshToken({ refreshToken });
  /** Lets time pass for one token: its first use was this long ago. */
  const age = (refreshToken: string, seconds: number) =>
    auth.database.sql`update auth.refresh_tokens set used_at = used_at - make_interval(secs => ${seconds})
      where hash = ${parseRefreshToken(refreshToken)?.hash as Buffer}`;
  const isLive = async (token: string) => (await operations.validateToken({ token })).valid;

  test('gives a new pair for the same session, again and again', async () => {
    const session = await newSession();
    let last = { token: session.token, refreshToken: session.refreshToken };
    const seen = new Set([last.refreshToken]);
    for (let n = 0; n < 5; n++) {
      last = await refresh(last.refreshToken);
      assert.equal(seen.has(last.refreshToken), false);
      seen.add(last.refreshToken);
      assert.deepEqual(await operations.validateToken({ token: last.token }), { valid: true, user: session.user });
    }
    assert.equal(decodeJwt(last.token).sid, decodeJwt(session.token).sid);
  });

  test('gives the same child to twenty uses at once', async () => {
    const { refreshToken } = await newSession();
    const children = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken)));
    assert.equal(new Set(children.map((child) => child.refreshToken)).size, 1);
    for (const child of children) assert.equal(await isLive(child.token), true);
    assert.ok(await refresh(children[0]?.refreshToken as string), 'the child works');
  });

  test('gives the same child again for 5 seconds, also when the child has been used', async () => {
    const { refreshToken } = await newSession();
    const child = await refresh(refreshToken);
    await refresh(child.refreshToken);
    await age(refreshToken, 4);
    assert.equal((await refresh(refreshToken)).refreshToken, child.refreshToken);
  });

  test('used again later ends the whole family, at once', async () => {
    const { token, refreshToken } = await newSession();
    const child = await refresh(refreshToken);
    const grandchild = await refresh(child.refreshToken);
    await age(refreshToken, 6);
    await assert.rejects(refresh(refreshToken), refused);
    for (const each of [token, child.token, grandchild.token]) assert.equal(await isLive(each), false);
    for (const each of [child, grandchild]) await assert.rejects(refresh(each.refreshToken), refused);
    const [session] = await auth.database.sql`select ended_by from auth.sessions where id = ${String(decodeJwt(token).sid)}`;
    assert.equal(session?.ended_by, 'REUSE');
  });

  test('used again by many at once ends the family once and answers all of them alike', async () => {
    const { refreshToken } = await newSession();
    const child = await refresh(refreshToken);
    await age(refreshToken, 6);
    const uses = await Promise.allSettled([
      ...Array.from({ length: 8 }, () => refresh(refreshToken)),
      ...Array.from({ length: 4 }, () => refresh(child.refreshToken)),
    ]);
    for (const use of uses.slice(0, 8)) assert.equal(use.status === 'rejected' && use.reason.reason, 'INVALID_REFRESH_TOKEN');
    await assert.rejects(refresh(child.refreshToken), refused);
  });

  test('of one session says nothing about another session of the same account', async () => {
    const email = newEmail();
    const phone = await operations.register({ email, password: goodPassword });
    const laptop = await operations.authenticate({ email, password: goodPassword });
    await refresh(phone.refreshToken);
    await age(phone.refreshToken, 6);
    await assert.rejects(refresh(phone.refreshToken), refused);
    assert.equal(await isLive(laptop.token), true);
    assert.ok(await refresh(laptop.refreshToken));
  });

  test('is refused after logout, expiry, or the end of the account, and where it never was', async (t) => {
    const cases: Record<string, (token: string, userId: string) => Promise<unknown>> = {
      'after logout': (refreshToken) => operations.logout({ refreshToken }),
      'after 30 days without use': (_, userId) =>
        auth.database.sql`update auth.sessions set expires_at = now() - interval '1 second' where user_id = ${userId}`,
      'of a disabled account': (_, userId) => auth.database.sql`update auth.accounts set disabled_at = now() where id = ${userId}`,
      'of a deleted account': (_, userId) => auth.database.sql`delete from auth.accounts where id = ${userId}`,
    };
    for (const [name, end] of Object.entries(cases)) {
      await t.test(name, async () => {
        const { refreshToken, user } = await newSession();
        await end(refreshToken, user?.id ?? '');
        await assert.rejects(refresh(refreshToken), refused);
      });
    }
    for (const never of ['', 'x', 'A'.repeat(43), (await newSession()).token]) await assert.rejects(refresh(never), refused);
  });

  test('is not used up where no key can sign', async () => {
    const { refreshToken } = await newSession();
    const unable = await authOperations(auth, { KEY_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') });
    await assert.rejects(unable.refreshToken({ refreshToken }), /KEY_ENCRYPTION_KEY/);
    await unable.close();
    const [token] = await auth.database
      .sql`select used_at from auth.refresh_tokens where hash = ${parseRefreshToken(refreshToken)?.hash as Buffer}`;
    assert.equal(token?.used_at, null);
  });

  test('that was used more than 30 days ago is forgotten when its session goes on', async () => {
    const { refreshToken } = await newSession();
    const child = await refresh(refreshToken);
    await age(refreshToken, 31 * 24 * 3600);
    await refresh(child.refreshToken);
    const rows = await auth.database.sql`select from auth.refresh_tokens where hash = ${parseRefreshToken(refreshToken)?.hash as Buffer}`;
    assert.equal(rows.length, 0);
  });
});
