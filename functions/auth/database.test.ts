import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { type AuthTest, authTest } from './testing.ts';

const denied = { code: '42501' };

describe('the auth schema', () => {
  let auth: AuthTest;
  let app: postgres.Sql;
  let records: postgres.Sql;
  const [one, two] = [
    { user: randomUUID(), session: randomUUID() },
    { user: randomUUID(), session: randomUUID() },
  ];
  before(async () => {
    auth = await authTest();
    app = postgres(auth.database.authUrl, { max: 1, fetch_types: false });
    records = postgres(auth.database.recordUrl, { max: 1, fetch_types: false });
    for (const { user, session } of [one, two]) {
      const email = `${user}@example.com`;
      await app`select auth.register(${user}, ${email}, ${email}, ${`$2b$10$${'.'.repeat(53)}`}, ${session}, ${randomBytes(32)})`;
    }
  });
  after(async () => {
    await app?.end();
    await records?.end();
    await auth?.drop();
  });

  test('every table that holds rows of a user has row-level security, forced', async () => {
    const open = await auth.database.sql`select relname from pg_class where relnamespace = 'auth'::regnamespace and relkind = 'r'
      and relname <> 'signing_keys' and not (relrowsecurity and relforcerowsecurity)`;
    assert.deepEqual([...open], []);
  });

  test('every SECURITY DEFINER function has a fixed search_path, belongs to nobody who logs in, and is no public one', async () => {
    const definers = await auth.database.sql`
      select proname, proconfig, pg_get_userbyid(proowner) as owner, has_function_privilege('public', p.oid, 'execute') as public
      from pg_proc p where pronamespace = 'auth'::regnamespace and prosecdef`;
    assert.ok(definers.length >= 10);
    for (const { proname, proconfig, owner, public: isPublic } of definers) {
      assert.ok(String(proconfig).includes('search_path='), proname);
      assert.equal(owner, 'record_owner', proname);
      assert.equal(isPublic, false, proname);
    }
  });

  test('record_app may ask for the session check and the public keys, and for nothing else', async () => {
    const allowed = await auth.database.sql`select proname from pg_proc
      where pronamespace = 'auth'::regnamespace and has_function_privilege('record_app', oid, 'execute') order by proname`;
    assert.deepEqual(
      allowed.map(({ proname }) => proname),
      ['begin_call', 'session_ended', 'verification_keys'],
    );
    assert.equal((await records`select jwk from auth.verification_keys()`).length, 1);
    for (const table of ['accounts', 'sessions', 'refresh_tokens', 'signing_keys'])
      await assert.rejects(Promise.resolve(records.unsafe(`select from auth.${table}`)), denied, table);
  });

  test('auth_app cannot read password hashes, sessions, tokens or keys, and can change nothing, but through its functions', async () => {
    for (const statement of [
      'select password_hash from auth.accounts',
      'select * from auth.accounts',
      'select from auth.sessions',
      'select from auth.refresh_tokens',
      'select from auth.signing_keys',
      "update auth.accounts set email = 'x@y'",
      'delete from auth.accounts',
      "insert into auth.signing_keys (kid, alg, public_jwk, private_jwe, active_from) values ('x', 'ES256', '{}', '', now())",
      'create table auth.mine (id int)',
      'set role record_owner',
    ])
      await assert.rejects(Promise.resolve(app.unsafe(statement)), denied, statement);
  });

  test('without a caller auth_app sees no account, with one that account only, and not beyond the transaction', async () => {
    assert.equal((await app`select id from auth.accounts`).length, 0);
    await app.begin(async (transaction) => {
      await transaction`select auth.begin_call(${one.user}, ${one.session})`;
      assert.deepEqual([...(await transaction`select id from auth.accounts`)], [{ id: one.user }]);
    });
    assert.equal((await app`select id from auth.accounts`).length, 0);
  });

  test('the session check sets the caller only where the session is live and the caller’s own', async () => {
    for (const [user, session] of [
      [one.user, two.session],
      [randomUUID(), one.session],
      [one.user, randomUUID()],
    ] as const)
      await assert.rejects(Promise.resolve(app`select auth.begin_call(${user}, ${session})`), { code: 'RP000', message: 'SESSION_ENDED' });
    await assert.rejects(Promise.resolve(app`select auth.begin_call(null, null)`), { code: 'RP000', message: 'SESSION_ENDED' });
    await app.begin(async (transaction) => {
      await transaction`select auth.begin_call(${one.user}, ${one.session})`;
      await assert.rejects(
        transaction.savepoint((inner) => inner`select auth.begin_call(${one.user}, ${two.session})`),
        { message: 'SESSION_ENDED' },
      );
      assert.deepEqual([...(await transaction`select current_setting('app.user_id', true) as caller`)], [{ caller: one.user }]);
    });
  });

  test('the session check is one probe of an index', async () => {
    const plan = await auth.database.sql.begin(async (transaction) => {
      await transaction`set local enable_seqscan = off`;
      return await transaction`explain select from auth.sessions where id = ${one.session} and user_id = ${one.user} and ended_at is null`;
    });
    assert.match(String(plan[0]?.['QUERY PLAN']), /^Index Scan using sessions_pkey/);
  });

  test('a private key cannot be stored in the open', async () => {
    await assert.rejects(
      Promise.resolve(auth.database.sql`insert into auth.signing_keys (kid, alg, public_jwk, private_jwe, active_from)
        values ('x', 'ES256', ${auth.database.sql.json({ kty: 'EC', d: 'secret' })}, 'x', now())`),
      { code: '23514' },
    );
  });
});
