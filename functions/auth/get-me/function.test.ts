import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { UnsecuredJWT } from 'jose';
import type { PartsContext } from '../../runtime/define-function.ts';
import type { SettingsOf } from '../../runtime/settings.ts';
import type { Sql } from '../../runtime/sql.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { makeKey, type SealedKey } from '../keys.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import { createAccessTokens, type issuerSettings } from '../tokens.ts';
import getMe from './function.ts';

const path = '/api/auth/me';

describe('GetMe, through the front door', () => {
  let auth: AuthTest;
  let started: Started<object, { user?: object }>;
  let session: { token: string; refreshToken: string; user: { id: string; email: string; createdAt: string } | undefined };
  before(async () => {
    auth = await authTest();
    const operations = await authOperations(auth);
    session = await operations.register({ email: newEmail(), password: goodPassword });
    await operations.close();
    started = await startFunction(getMe, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await auth?.drop();
  });

  test('is the account of the token, over HTTP and gRPC, again and again', async () => {
    for (let n = 0; n < 3; n++) {
      const { status, body } = await started.json('GET', path, { token: session.token });
      assert.deepEqual([status, body], [200, { user: session.user }]);
      assert.deepEqual(await started.call({}, { token: session.token }), { user: session.user });
    }
  });

  /** A token that this platform could have made, but for what the test changes. */
  async function mint(
    change: { issuer?: string; audience?: string; at?: Date; key?: SealedKey; sessionId?: string } = {},
  ): Promise<string> {
    const [stored] = await auth.database.sql<SealedKey[]>`select kid, alg, private_jwe from auth.signing_keys`;
    const settings = {
      issuer: change.issuer ?? 'https://record.test',
      audience: change.audience ?? 'record-platform',
      keyEncryptionKey: auth.keys.keyEncryptionKey,
    };
    const sql = (async () => [change.key ?? stored]) as unknown as Sql;
    const now = () => change.at ?? new Date();
    const context: PartsContext<SettingsOf<typeof issuerSettings>> = { settings, sql, now };
    const sign = await createAccessTokens(context)();
    return await sign(session.user?.id as string, change.sessionId ?? randomUUID());
  }

  test('no token, and a bad one of any kind, is 401 with WWW-Authenticate, in both dialects', async (t) => {
    const stranger = await makeKey(auth.keys.keyEncryptionKey);
    const [ours] = await auth.database.sql`select kid from auth.signing_keys`;
    const payload = JSON.parse(Buffer.from(session.token.split('.')[1] as string, 'base64url').toString());
    const [head, , signature] = session.token.split('.');
    const elevated = Buffer.from(JSON.stringify({ ...payload, sub: randomUUID() })).toString('base64url');
    const sealedForOurs = { ...stranger, kid: ours?.kid as string };
    const cases: Record<string, string | undefined> = {
      'no token': undefined,
      'a word': 'x',
      'the refresh token': session.refreshToken,
      'alg none': new UnsecuredJWT(payload).encode(),
      'forged claims': `${head}.${elevated}.${signature}`,
      'an unknown key': await mint({ key: stranger }),
      'wrong audience': await mint({ audience: 'another' }),
      'wrong issuer': await mint({ issuer: 'https://evil.test' }),
      expired: await mint({ at: new Date(Date.now() - 16 * 60_000) }),
      'from the future': await mint({ at: new Date(Date.now() + 5 * 60_000) }),
    };
    for (const [name, token] of Object.entries(cases)) {
      await t.test(name, async () => {
        const given = token === undefined ? {} : { token };
        const { status, body, headers } = await started.json('GET', path, given);
        assert.deepEqual([status, body.code, headers.get('www-authenticate')], [401, 'UNAUTHENTICATED', 'Bearer']);
        await assert.rejects(started.call({}, given), { code: 16, reason: 'UNAUTHENTICATED' });
      });
    }
    await assert.rejects(mint({ key: sealedForOurs }), /is another key|does not open/, 'a stranger’s key under our id does not even sign');
  });

  test('a good token without a session is SESSION_ENDED', async () => {
    const token = await mint();
    assert.equal((await started.json('GET', path, { token })).body.code, 'SESSION_ENDED');
    await assert.rejects(started.call({}, { token }), { code: 16, reason: 'SESSION_ENDED' });
  });

  test('where the database cannot be reached it is 503: a verified token alone lets nobody in', async () => {
    const cutOff = await startFunction(getMe, { ...auth.environment, DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/nowhere' });
    const { status, body } = await cutOff.json('GET', path, { token: session.token });
    assert.deepEqual([status, body.code], [503, 'UPSTREAM_UNAVAILABLE']);
    await cutOff.stop();
  });
});
