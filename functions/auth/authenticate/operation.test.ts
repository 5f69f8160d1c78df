import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as bcrypt from '@node-rs/bcrypt';
import { Refusal } from '../../runtime/refusal.ts';
import { createPasswords } from '../passwords.ts';
import { type AuthTest, authOperations, authTest, goodPassword, newEmail } from '../testing.ts';
import { authenticate } from './operation.ts';

describe('authenticate', () => {
  let auth: AuthTest;
  let operations: Awaited<ReturnType<typeof authOperations>>;
  const email = `Test.${newEmail()}`;
  const disabled = newEmail();
  before(async () => {
    auth = await authTest();
    operations = await authOperations(auth);
    await operations.register({ email, password: goodPassword });
    await operations.register({ email: disabled, password: goodPassword });
    await auth.database.sql`update auth.accounts set disabled_at = now() where email = ${disabled}`;
  });
  after(async () => {
    await operations?.close();
    await auth?.drop();
  });

  test('the right password opens a session, each time another one', async () => {
    const one = await operations.authenticate({ email, password: goodPassword });
    const two = await operations.authenticate({ email, password: goodPassword });
    assert.equal(one.user?.email, email);
    assert.deepEqual(await operations.validateToken({ token: one.token }), { valid: true, user: one.user });
    await operations.logout({ refreshToken: one.refreshToken });
    assert.equal((await operations.validateToken({ token: one.token })).valid, false);
    assert.equal((await operations.validateToken({ token: two.token })).valid, true);
  });

  test('the address is compared without case', async () => {
    assert.ok(await operations.authenticate({ email: email.toUpperCase(), password: goodPassword }));
  });

  test('a long password is compared to its last character', async () => {
    const long = newEmail();
    await operations.register({ email: long, password: `${'x'.repeat(72)}one` });
    assert.ok(await operations.authenticate({ email: long, password: `${'x'.repeat(72)}one` }));
    await assert.rejects(operations.authenticate({ email: long, password: `${'x'.repeat(72)}two` }), { reason: 'INVALID_CREDENTIALS' });
  });

  const refusedLogins = [
    { name: 'an unknown account', login: () => ({ email: newEmail(), password: goodPassword }) },
    { name: 'a wrong password', login: () => ({ email, password: 'wrong horse battery' }) },
    { name: 'a disabled account with its right password', login: () => ({ email: disabled, password: goodPassword }) },
    { name: 'a disabled account with a wrong password', login: () => ({ email: disabled, password: 'wrong horse battery' }) },
  ];

  test('an unknown account, a wrong password and a disabled account get the very same answer', async () => {
    const answers = [];
    for (const { login } of refusedLogins) {
      const refusal: unknown = await operations.authenticate(login()).catch((error) => error);
      assert.ok(refusal instanceof Refusal);
      answers.push({ ...refusal.row, reason: refusal.reason, violations: refusal.violations, cause: refusal.cause });
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.deepEqual([answers[0]?.reason, answers[0]?.http, answers[0]?.grpc], ['INVALID_CREDENTIALS', 401, 'UNAUTHENTICATED']);
  });

  test('each of them costs one hash of the same cost', async () => {
    const hashes: string[] = [];
    const passwords = createPasswords({
      cost: 10,
      load: async () => ({
        hash: () => assert.fail('nothing is to be hashed anew'),
        verify: (password, stored) => {
          hashes.push(String(stored));
          return bcrypt.verify(password, stored);
        },
      }),
    });
    const [known] = await auth.database
      .sql`select id, email, created_at, password_hash, false as disabled from auth.accounts where email = ${email}`;
    const accounts = [undefined, known, { ...known, disabled: true }];
    for (const account of accounts) {
      const queries = { findLogin: async () => account, openSession: () => assert.fail(), rehash: () => assert.fail() } as never;
      const tools = { queries, passwords, accessTokens: async () => async () => '', signal: undefined } as never;
      await assert.rejects(authenticate({ email, password: 'wrong horse battery' }, tools), { reason: 'INVALID_CREDENTIALS' });
    }
    assert.deepEqual(
      hashes.map((hash) => bcrypt.parseOptions(hash).cost),
      [10, 10, 10],
    );
  });

  // Processor time, all threads: on a busy machine a clock would tell about other programs.
  test('and takes the same time', async () => {
    const times = refusedLogins.map(() => [] as number[]);
    for (let round = 0; round < 7; round++) {
      for (const [kind, { login }] of refusedLogins.entries()) {
        const before = process.cpuUsage();
        await operations.authenticate(login()).catch(() => {});
        const { user, system } = process.cpuUsage(before);
        times[kind]?.push((user + system) / 1000);
      }
    }
    const medians = times.map((values) => values.sort((a, b) => a - b)[3] as number);
    const ratio = Math.max(...medians) / Math.min(...medians);
    assert.ok(ratio < 1.7, `medians ${medians.map((value) => value.toFixed(1))} ms of the processor`);
  });

  test('an address that is none is a fault of the field, not of the credentials', async () => {
    await assert.rejects(operations.authenticate({ email: 'nobody', password: goodPassword }), { reason: 'INVALID_FIELDS' });
  });

  test('a login raises the cost of a stored hash to what is asked now', async () => {
    const address = newEmail();
    await operations.register({ email: address, password: goodPassword });
    const dearer = await authOperations(auth, { BCRYPT_COST: '11' });
    const costNow = async () => {
      const [row] = await auth.database.sql`select password_hash from auth.accounts where email = ${address}`;
      return bcrypt.parseOptions(row?.password_hash).cost;
    };
    await assert.rejects(dearer.authenticate({ email: address, password: 'wrong horse battery' }), { reason: 'INVALID_CREDENTIALS' });
    assert.equal(await costNow(), 10);
    // Two at once: neither may fail for the other's sake.
    await Promise.all([1, 2].map(() => dearer.authenticate({ email: address, password: goodPassword })));
    assert.equal(await costNow(), 11);
    assert.ok(await dearer.authenticate({ email: address, password: goodPassword }));
    await dearer.close();
  });

  test('an account that is disabled between the check of its password and its session gets none', async () => {
    const address = newEmail();
    const { user } = await operations.register({ email: address, password: goodPassword });
    await auth.database.sql`update auth.accounts set disabled_at = now() where id = ${user?.id ?? ''}`;
    await assert.rejects(Promise.resolve(auth.database.sql`select auth.open_session(${user?.id ?? ''}, gen_random_uuid(), sha256('x'))`), {
      code: 'RP000',
      message: 'INVALID_CREDENTIALS',
    });
  });

  test('sessions that have expired are removed at the next login', async () => {
    const address = newEmail();
    const { user } = await operations.register({ email: address, password: goodPassword });
    await auth.database.sql`update auth.sessions set expires_at = now() - interval '1 second' where user_id = ${user?.id ?? ''}`;
    await operations.authenticate({ email: address, password: goodPassword });
    assert.equal((await auth.database.sql`select from auth.sessions where user_id = ${user?.id ?? ''}`).length, 1);
  });
});
