import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { rotateSigningKey } from '../../../scripts/keys/signing-keys.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import getJwks from './function.ts';

const path = '/.well-known/jwks.json';

describe('GetJwks, through the front door', () => {
  let auth: AuthTest;
  let started: Started<object, { keys: { kid: string; y?: string }[] }>;
  before(async () => {
    auth = await authTest();
    started = await startFunction(getJwks, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await auth?.drop();
  });

  test('is a JSON Web Key Set that a client verifies access tokens with, and holds nothing private', async () => {
    const operations = await authOperations(auth);
    const { token, user } = await operations.register({ email: newEmail(), password: goodPassword });
    await operations.close();
    const { status, body } = await started.json('GET', path);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['keys']);
    assert.deepEqual(Object.keys(body.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const { payload } = await jwtVerify(token, createLocalJWKSet(body), { algorithms: ['ES256'], audience: 'record-platform' });
    assert.equal(payload.sub, user?.id);
  });

  test('says the same over gRPC', async () => {
    const { body } = await started.json('GET', path);
    assert.deepEqual(
      (await started.call({})).keys.map((key) => ({ ...key })),
      body.keys,
    );
  });

  test('holds the next key before its first use', async () => {
    const kid = await rotateSigningKey(auth.keys);
    const { body } = await started.json('GET', path);
    assert.equal(body.keys.length, 2);
    assert.equal(body.keys[1].kid, kid);
  });

  test('where the database cannot be reached it is 503', async () => {
    const cutOff = await startFunction(getJwks, { ...auth.environment, DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/nowhere' });
    assert.equal((await cutOff.json('GET', path)).status, 503);
    await cutOff.stop();
  });
});
