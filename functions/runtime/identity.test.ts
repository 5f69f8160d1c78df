import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { createIdentity } from './identity.ts';
import { Refusal, refuse } from './refusal.ts';

const issuer = 'https://record.test';
const audience = 'record-platform';
const userId = '0198c1a5-1111-7222-8333-444455556666';
const sessionId = '0198c1a5-7777-7888-9999-aaaabbbbcccc';
const start = Date.parse('2026-01-02T03:04:05Z');
const startSeconds = start / 1000;

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function newKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const claims = { iss: issuer, aud: audience, sub: userId, sid: sessionId, jti: randomUUID(), iat: startSeconds, exp: startSeconds + 900 };

function token(key: Key, change: { claims?: Record<string, unknown>; header?: Record<string, unknown> } = {}): Promise<string> {
  const header = { alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...change.header };
  return new SignJWT({ ...claims, ...change.claims }).setProtectedHeader(header).sign(key.privateKey);
}

/** An identity over a set of keys that tests change, with a clock that they move, and a count of fetches. */
function identityOver(...keys: Key[]) {
  const world = { keys, ms: start, fetches: 0, failing: undefined as unknown };
  const fetchKeys = async (): Promise<JWK[]> => {
    world.fetches += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (world.failing !== undefined) throw world.failing;
    return world.keys.map(({ jwk }) => jwk);
  };
  const ofHeader = createIdentity({ issuer, audience, fetchKeys, nowMs: () => world.ms });
  const identity = {
    ...ofHeader,
    cached: (token: string) => ofHeader.cached(`Bearer ${token}`),
  };
  return Object.assign(world, { identity, ofHeader });
}

const isRefused = (reason: string) => (error: unknown) => error instanceof Refusal && error.reason === reason;

describe('identity', () => {
  let key: Key;
  let other: Key;
  before(async () => {
    [key, other] = await Promise.all([newKey('key-1'), newKey('key-2')]);
  });

  test('a good token says who calls', async () => {
    const { identity } = identityOver(key);
    assert.deepEqual(await identity.verify(await token(key)), { userId, sessionId });
  });

  test('a token that is not good now is refused with UNAUTHENTICATED', async (t) => {
    const { identity } = identityOver(key);
    const good = await token(key);
    const [head, body, signature] = good.split('.') as [string, string, string];
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const withClaims = (changed: Record<string, unknown>) => token(key, { claims: changed });
    const withHeader = (changed: Record<string, unknown>) => token(key, { header: changed });
    const hmacOver = (text: string) => `${text}.${createHmac('sha256', JSON.stringify(key.jwk)).update(text).digest('base64url')}`;
    const cases: Record<string, string | Promise<string>> = {
      'no token': '',
      'no JWT': 'not.a.jwt',
      'a JWT of two parts': `${head}.${body}`,
      'alg none': new UnsecuredJWT(claims).encode(),
      'alg none with our kid and typ': `${encode({ alg: 'none', typ: 'at+jwt', kid: key.kid })}.${body}.`,
      'alg none with the old signature': `${encode({ alg: 'none', typ: 'at+jwt', kid: key.kid })}.${body}.${signature}`,
      'HS256 keyed with the public key': hmacOver(`${encode({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${body}`),
      'other claims under the old signature': `${head}.${encode({ ...claims, sub: randomUUID() })}.${signature}`,
      'no signature': `${head}.${body}.`,
      "another key's signature under our kid": token({ ...other, kid: key.kid }),
      'a kid that is not published': token(other),
      'a kid that is no string': withHeader({ kid: 1 }),
      'a kid that reaches for Object.prototype': withHeader({ kid: '__proto__' }),
      'no kid': withHeader({ kid: undefined }),
      'a key of its own in the header (jwk)': token(other, { header: { kid: key.kid, jwk: other.jwk } }),
      'a key of its own by address (jku)': token(other, { header: { jku: 'http://127.0.0.1:1/keys' } }),
      'an unknown critical header': `${encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, crit: ['x'], x: 1 })}.${body}.${signature}`,
      'typ JWT': withHeader({ typ: 'JWT' }),
      'no typ': withHeader({ typ: undefined }),
      'wrong audience': withClaims({ aud: 'another' }),
      'no audience': withClaims({ aud: undefined }),
      'wrong issuer': withClaims({ iss: 'https://record.evil' }),
      'no issuer': withClaims({ iss: undefined }),
      expired: withClaims({ iat: startSeconds - 932, exp: startSeconds - 32 }),
      'no expiry': withClaims({ exp: undefined }),
      'not yet valid': withClaims({ nbf: startSeconds + 60 }),
      'issued in the future': withClaims({ iat: startSeconds + 60 }),
      'older than any of ours, whatever its expiry': withClaims({ iat: startSeconds - 1000, exp: startSeconds + 10_000 }),
      'no sub': withClaims({ sub: undefined }),
      'a sub that is no UUID': withClaims({ sub: "' or true --" }),
      'no sid': withClaims({ sid: undefined }),
      'a sid that is no UUID': withClaims({ sid: 7 }),
      'no jti': withClaims({ jti: undefined }),
      'longer than any of ours': withClaims({ x: 'x'.repeat(4096) }),
    };
    for (const [name, given] of Object.entries(cases)) {
      await t.test(name, async () => {
        const bad = await given;
        await assert.rejects(identity.verify(bad), isRefused('UNAUTHENTICATED'));
        assert.equal(identity.cached(bad), undefined);
      });
    }
    assert.deepEqual(await identity.verify(good), { userId, sessionId }, 'the good one must still be good');
  });

  test('a token comes by the Bearer scheme, in any case', async () => {
    const { ofHeader } = identityOver(key);
    const good = await token(key);
    for (const header of [`Bearer ${good}`, `bearer ${good}`, `BEARER ${good}`])
      assert.deepEqual(await ofHeader.verifyHeader(header), { userId, sessionId });
    for (const header of [
      undefined,
      '',
      good,
      `Basic ${good}`,
      `Bearer`,
      `Bearer `,
      `Bearer${good}`,
      `Bearer  ${good}`,
      ` Bearer ${good}`,
    ]) {
      await assert.rejects(ofHeader.verifyHeader(header), isRefused('UNAUTHENTICATED'));
      assert.equal(ofHeader.cached(header), undefined);
    }
  });

  test('clocks may differ by 30 seconds', async () => {
    const world = identityOver(key);
    const fromTheFuture = await token(key, { claims: { iat: startSeconds + 29 } });
    assert.ok(await world.identity.verify(fromTheFuture));
    world.ms = start + 929_000;
    assert.ok(await world.identity.verify(await token(key)));
    world.ms = start + 930_000;
    await assert.rejects(world.identity.verify(await token(key)), isRefused('UNAUTHENTICATED'));
  });

  test('a verified token is known without a promise for a minute', async () => {
    const world = identityOver(key);
    const good = await token(key);
    assert.equal(world.identity.cached(good), undefined);
    await world.identity.verify(good);
    world.ms += 59_999;
    assert.deepEqual(world.identity.cached(good), { userId, sessionId });
    world.ms += 1;
    assert.equal(world.identity.cached(good), undefined);
  });

  test('a verified token is not known past its expiry', async () => {
    const world = identityOver(key);
    const short = await token(key, { claims: { exp: startSeconds + 10 } });
    await world.identity.verify(short);
    world.ms += 10_000;
    assert.equal(world.identity.cached(short), undefined);
  });

  test('verified tokens are bounded, the oldest go first', async () => {
    const { identity } = identityOver(key);
    const first = await token(key);
    await identity.verify(first);
    for (let n = 0; n < 4095; n++) await identity.verify(await token(key, { claims: { n } }));
    assert.ok(identity.cached(first));
    // Two tokens may share a key, which is 30 bits of each: a few more than one more.
    for (let n = 0; n < 20; n++) await identity.verify(await token(key, { claims: { more: n } }));
    assert.equal(identity.cached(first), undefined);
  });

  test('keys are fetched once for many first calls at once, and again when a minute old', async () => {
    const world = identityOver(key);
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => token(key, { claims: { n } })));
    await Promise.all(tokens.map((each) => world.identity.verify(each)));
    assert.equal(world.fetches, 1);
    world.ms += 60_000;
    await Promise.all(tokens.map((each) => world.identity.verify(each)));
    assert.equal(world.fetches, 2);
  });

  test('a new key is found at its first token', async () => {
    const world = identityOver(key);
    await world.identity.verify(await token(key));
    world.keys.push(other);
    world.ms += 1000;
    assert.ok(await world.identity.verify(await token(other)));
    assert.equal(world.fetches, 2);
  });

  test('forged key ids fetch the keys once a second at most', async () => {
    const world = identityOver(key);
    await world.identity.verify(await token(key));
    for (let n = 0; n < 50; n++) {
      const forged = await token(other, { header: { kid: `forged-${n}` } });
      await assert.rejects(world.identity.verify(forged), isRefused('UNAUTHENTICATED'));
      world.ms += 100;
    }
    assert.ok(world.fetches <= 6, `${world.fetches} fetches in 5 seconds`);
  });

  test('tokens of a key that is not published any more are refused within two minutes, also from memory', async () => {
    const world = identityOver(key, other);
    const [ours, theirs] = await Promise.all([token(key), token(other)]);
    await Promise.all([world.identity.verify(ours), world.identity.verify(theirs)]);
    world.keys = [other];
    world.ms += 60_000;
    await world.identity.verify(theirs);
    assert.equal(world.identity.cached(ours), undefined);
    await assert.rejects(world.identity.verify(ours), isRefused('UNAUTHENTICATED'));
  });

  test('a published key of another algorithm verifies nothing', async () => {
    const strange = await newKey('strange', 'EdDSA');
    const { identity } = identityOver(key, strange);
    await assert.rejects(identity.verify(await token(strange, { header: { alg: 'EdDSA' } })), isRefused('UNAUTHENTICATED'));
  });

  test('where the keys cannot be fetched nobody is let in, and the answer is UPSTREAM_UNAVAILABLE', async () => {
    const world = identityOver(key);
    const good = await token(key);
    for (const failing of [new Error('connection refused'), refuse('UPSTREAM_UNAVAILABLE')]) {
      world.failing = failing;
      await assert.rejects(world.identity.verify(good), isRefused('UPSTREAM_UNAVAILABLE'));
    }
    world.failing = undefined;
    assert.ok(await world.identity.verify(good), 'it recovers by itself');
  });

  test('warming fetches the keys ahead, and a failure then is no failure', async () => {
    const world = identityOver(key);
    world.failing = new Error('connection refused');
    world.identity.warm();
    await new Promise((resolve) => setTimeout(resolve, 20));
    world.failing = undefined;
    assert.ok(await world.identity.verify(await token(key)));
  });
});
