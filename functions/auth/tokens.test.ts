import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { createIdentity } from '../runtime/identity.ts';
import { Refusal } from '../runtime/refusal.ts';
import type { Sql } from '../runtime/sql.ts';
import { createSigningKeys, makeKey, type SealedKey } from './keys.ts';
import { childRefreshToken, createAccessTokens, newRefreshToken, parseRefreshToken } from './tokens.ts';

const userId = '0198c1a5-1111-7222-8333-444455556666';
const sessionId = '0198c1a5-7777-7888-9999-aaaabbbbcccc';
const now = () => new Date('2026-01-02T03:04:05.678Z');
const keyEncryptionKey = randomBytes(32);
const settings = { issuer: 'https://record.test', audience: 'record-platform', keyEncryptionKey };
const isRefused = (reason: string) => (error: unknown) => error instanceof Refusal && error.reason === reason;

describe('access tokens', () => {
  test('have every claim, live 15 minutes, and are what verification accepts', async () => {
    const key = await makeKey(keyEncryptionKey);
    const sql = (async () => [key]) as unknown as Sql;
    const sign = await createAccessTokens({ settings, sql, now })();
    const token = await sign(userId, sessionId);
    const issuedAt = Math.floor(now().getTime() / 1000);
    const { jti, ...claims } = decodeJwt(token);
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.deepEqual(claims, {
      iss: settings.issuer,
      aud: settings.audience,
      sub: userId,
      sid: sessionId,
      iat: issuedAt,
      exp: issuedAt + 15 * 60,
    });
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', typ: 'at+jwt', kid: key.kid });
    const identity = createIdentity({ ...settings, nowMs: () => now().getTime(), fetchKeys: async () => [key.public_jwk] });
    assert.deepEqual(await identity.verify(token), { userId, sessionId });
    assert.notEqual(decodeJwt(await sign(userId, sessionId)).jti, jti);
  });
});

describe('refresh tokens', () => {
  const key = randomBytes(32);

  test('are 256 random bits, and their hash does not show them', () => {
    const [one, two] = [newRefreshToken(), newRefreshToken()];
    assert.match(one.text, /^[A-Za-z0-9_-]{43}$/);
    assert.notEqual(one.text, two.text);
    assert.equal(one.hash.length, 32);
    assert.notEqual(one.hash.toString('base64url'), one.text);
    assert.deepEqual(parseRefreshToken(one.text), one);
  });

  test('a child follows from its parent and the key of the server, and from nothing else', () => {
    const parent = newRefreshToken();
    const child = childRefreshToken(key, parent);
    assert.deepEqual(childRefreshToken(key, parent), child);
    assert.notEqual(child.text, parent.text);
    assert.notEqual(childRefreshToken(randomBytes(32), parent).text, child.text);
    assert.notEqual(childRefreshToken(key, child).text, child.text);
  });

  test('what cannot be one of ours is not read', () => {
    const { text } = newRefreshToken();
    // The last character holds 4 bits: three others decode to the same bytes.
    const twins = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('').map((last) => text.slice(0, 42) + last);
    assert.equal(twins.filter((each) => parseRefreshToken(each) !== undefined).length, 16);
    for (const given of ['', 'x', text.slice(1), `${text}A`, `${text}=`, ` ${text.slice(1)}`, `+/${text.slice(2)}`, '\u0000'.repeat(43)])
      assert.equal(parseRefreshToken(given), undefined, JSON.stringify(given));
  });
});

describe('signing keys', () => {
  /** A store of one sealed key, with a clock that the test moves. */
  const keysOver = (sealed: SealedKey | undefined, keyEncryption = keyEncryptionKey) => {
    const world = { sealed, ms: 0, fetches: 0 };
    const fetchKey = async () => {
      world.fetches += 1;
      return world.sealed;
    };
    return Object.assign(world, {
      current: createSigningKeys({ fetchKey, keyEncryptionKey: keyEncryption, now: () => new Date(world.ms) }),
    });
  };

  test('what is stored holds the private part sealed only', async () => {
    const key = await makeKey(keyEncryptionKey);
    assert.equal(key.public_jwk.d, undefined);
    assert.deepEqual(decodeProtectedHeader(key.private_jwe), { alg: 'dir', enc: 'A256GCM', kid: key.kid });
    assert.equal((await keysOver(key).current()).privateKey.extractable, false);
  });

  test('a key is fetched once for many calls at once, and again after 30 seconds', async () => {
    const world = keysOver(await makeKey(keyEncryptionKey));
    const [first] = await Promise.all(Array.from({ length: 10 }, () => world.current()));
    assert.equal(world.fetches, 1);
    world.ms += 29_999;
    assert.equal(await world.current(), first);
    assert.equal(world.fetches, 1);
    const next = await makeKey(keyEncryptionKey);
    world.sealed = next;
    world.ms += 1;
    assert.equal((await world.current()).kid, next.kid);
  });

  test('another KEY_ENCRYPTION_KEY opens nothing, and says so', async () => {
    await assert.rejects(keysOver(await makeKey(keyEncryptionKey), randomBytes(32)).current(), /KEY_ENCRYPTION_KEY does not open/);
  });

  test('a sealed key cannot be passed off as another', async () => {
    const [one, two] = await Promise.all([makeKey(keyEncryptionKey), makeKey(keyEncryptionKey)]);
    await assert.rejects(keysOver({ ...one, private_jwe: two.private_jwe }).current(), /is another key/);
  });

  test('without a key the answer is UPSTREAM_UNAVAILABLE, and it recovers by itself', async () => {
    const world = keysOver(undefined);
    await assert.rejects(world.current(), isRefused('UPSTREAM_UNAVAILABLE'));
    world.sealed = await makeKey(keyEncryptionKey);
    assert.ok(await world.current());
  });
});
