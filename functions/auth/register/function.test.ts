import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type GrpcRefused, type Started, startFunction } from '../../testing/start.ts';
import { type AuthTest, authTest, goodPassword, newEmail } from '../testing.ts';
import register from './function.ts';

const path = '/api/auth/register';

describe('Register, through the front door', () => {
  let auth: AuthTest;
  let started: Started<{ email: string; password: string }, { token: string; refreshToken: string; user?: { id: string; email: string } }>;
  before(async () => {
    auth = await authTest();
    started = await startFunction(register, auth.environment);
  });
  after(async () => {
    await started?.stop();
    await auth?.drop();
  });

  test('an account is made with 201 and its first tokens, over HTTP', async () => {
    const email = newEmail();
    const { status, body, headers } = await started.json('POST', path, { body: { email, password: goodPassword } });
    assert.equal(status, 201);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.deepEqual(Object.keys(body).sort(), ['refreshToken', 'token', 'user']);
    assert.deepEqual(Object.keys(body.user).sort(), ['createdAt', 'email', 'id']);
    assert.match(body.user.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('and over gRPC', async () => {
    const email = newEmail();
    const { token, refreshToken, user } = await started.call({ email, password: goodPassword });
    assert.equal(token.split('.').length, 3);
    assert.equal(refreshToken.length, 43);
    assert.equal(user?.email, email);
  });

  test('an address that is taken is 409 and ALREADY_EXISTS, in whatever case it is written', async () => {
    const email = newEmail();
    await started.call({ email, password: goodPassword });
    const { status, body } = await started.json('POST', path, { body: { email: email.toUpperCase(), password: goodPassword } });
    assert.deepEqual([status, body.code], [409, 'EMAIL_TAKEN']);
    await assert.rejects(started.call({ email: email.toUpperCase(), password: goodPassword }), { code: 6, reason: 'EMAIL_TAKEN' });
  });

  const letters = (count: number) => 'a'.repeat(count);
  for (const { name, request, faults } of [
    { name: 'no fields', request: {}, faults: ['email REQUIRED', 'password REQUIRED'] },
    { name: 'an address that is none', request: { email: 'nobody', password: goodPassword }, faults: ['email NOT_AN_EMAIL'] },
    { name: 'an address of 255 characters', request: { email: `a@${letters(253)}`, password: goodPassword }, faults: ['email TOO_LONG'] },
    { name: 'a password of 7 characters', request: { email: 'a@example.com', password: letters(7) }, faults: ['password TOO_SHORT'] },
    { name: 'a password of 7 emoji', request: { email: 'a@example.com', password: '🎵'.repeat(7) }, faults: ['password TOO_SHORT'] },
    { name: 'a password of 257 characters', request: { email: 'a@example.com', password: letters(257) }, faults: ['password TOO_LONG'] },
    { name: 'two faults', request: { email: 'nobody', password: 'short' }, faults: ['email NOT_AN_EMAIL', 'password TOO_SHORT'] },
    { name: 'a NUL', request: { email: 'a\0@example.com', password: goodPassword }, faults: ['email NOT_STORABLE'] },
  ])
    test(`${name}: the same faults in both dialects`, async () => {
      const { status, body } = await started.json('POST', path, { body: request });
      assert.equal(status, 400);
      assert.equal(body.code, 'INVALID_FIELDS');
      assert.deepEqual(
        body.errors.map((fault: { pointer: string; reason: string }) => `${fault.pointer.slice(1)} ${fault.reason}`),
        faults,
      );
      const refusal = (await started.call(request).catch((error) => error)) as GrpcRefused;
      assert.equal(refusal.code, 3);
      assert.deepEqual(
        refusal.violations.map(({ field, reason }) => `${field} ${reason}`),
        faults,
      );
    });

  test('a password of 256 emoji is taken whole', async () => {
    const { status } = await started.json('POST', path, { body: { email: newEmail(), password: '🎵'.repeat(256) } });
    assert.equal(status, 201);
  });

  test('more hashing than there is room for is 429 with Retry-After, and who was accepted is served', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => started.json('POST', path, { body: { email: newEmail(), password: goodPassword } })),
    );
    const byStatus = Map.groupBy(answers, ({ status }) => status);
    assert.deepEqual([...byStatus.keys()].sort(), [201, 429]);
    for (const { headers, body } of byStatus.get(429) ?? []) {
      assert.equal(body.code, 'TOO_BUSY');
      assert.equal(headers.get('retry-after'), '1');
    }
    const made = await auth.database.sql`select count(*)::int as count from auth.accounts where email like '%-%@example.com'`;
    assert.ok(made[0]?.count >= (byStatus.get(201)?.length ?? 0));
  });
});
