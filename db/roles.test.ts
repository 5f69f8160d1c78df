import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import postgres from 'postgres';
import { type TestDatabase, testDatabase } from '../functions/testing/database.ts';

const apps = ['auth_app', 'record_app'];
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});

/** Runs a statement as a role of the platform, straight to PostgreSQL. */
async function as(url: string, statement: string): Promise<object[]> {
  const sql = postgres(url, { max: 1, fetch_types: false });
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.end();
  }
}

test('no role of the platform is more than it must be', async () => {
  const roles =
    await database.sql`select rolname, rolcanlogin, rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls as powerful, rolconnlimit > 0 as limited
    from pg_catalog.pg_roles where rolname in ('record_owner', 'record_migrator', 'auth_app', 'record_app') order by rolname`;
  assert.deepEqual(
    roles.map((role) => ({ ...role })),
    [
      { rolname: 'auth_app', rolcanlogin: true, powerful: false, limited: true },
      { rolname: 'record_app', rolcanlogin: true, powerful: false, limited: true },
      { rolname: 'record_migrator', rolcanlogin: true, powerful: false, limited: true },
      { rolname: 'record_owner', rolcanlogin: false, powerful: false, limited: false },
    ],
  );
  const memberships = await database.sql`select r.rolname || ' in ' || g.rolname as membership from pg_catalog.pg_auth_members m
    join pg_catalog.pg_roles r on r.oid = m.member join pg_catalog.pg_roles g on g.oid = m.roleid
    where r.rolname in ('record_owner', 'record_migrator', 'auth_app', 'record_app')`;
  assert.deepEqual(
    memberships.map(({ membership }) => membership),
    ['record_migrator in record_owner'],
  );
});

test('the roles of functions own nothing', async () => {
  const owned = await database.sql`
    select c.oid::regclass::text as what from pg_catalog.pg_class c where c.relowner::regrole::text in ${database.sql(apps)}
    union all select p.oid::regprocedure::text from pg_catalog.pg_proc p where p.proowner::regrole::text in ${database.sql(apps)}
    union all select n.nspname from pg_catalog.pg_namespace n where n.nspowner::regrole::text in ${database.sql(apps)}
    union all select t.typname from pg_catalog.pg_type t where t.typowner::regrole::text in ${database.sql(apps)}`;
  assert.deepEqual([...owned], []);
});

for (const statement of [
  'create schema mine',
  'create table public.mine ()',
  'create table records.mine ()',
  'create table auth.mine ()',
  'create temporary table mine ()',
  'create function records.mine() returns integer language sql as $$ select 1 $$',
  'set role record_owner',
  'truncate records.records',
  'alter table records.records disable row level security',
  'select * from platform.migrations',
  'select * from pg_catalog.pg_authid',
  "copy (select 1) to program 'true'",
])
  test(`the roles of functions are refused: ${statement}`, async () => {
    for (const url of [database.direct.authUrl, database.direct.recordUrl]) await assert.rejects(as(url, statement), { code: '42501' });
  });

test('record_app sees nothing of auth but the session check and the public keys, and auth_app nothing of records', async () => {
  const allowed = await database.sql`select p.oid::regprocedure::text as name from pg_catalog.pg_proc p
    where p.pronamespace = 'auth'::regnamespace and has_function_privilege('record_app', p.oid, 'execute') order by 1`;
  assert.deepEqual(
    allowed.map(({ name }) => name),
    ['auth.begin_call(uuid,uuid)', 'auth.session_ended()', 'auth.verification_keys()'],
  );
  const tables = await database.sql`select c.oid::regclass::text as name from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'v', 'm')
    and (c.relnamespace = 'auth'::regnamespace and has_any_column_privilege('record_app', c.oid, 'select, insert, update')
      or c.relnamespace = 'records'::regnamespace and has_any_column_privilege('auth_app', c.oid, 'select, insert, update'))`;
  assert.deepEqual(
    tables.map(({ name }) => name),
    ['auth.sessions_of_caller'],
  );
});

test('PUBLIC may execute, use and enter nothing of ours', async () => {
  const functions = await database.sql`select p.oid::regprocedure::text as name from pg_catalog.pg_proc p
    where p.pronamespace in ('auth'::regnamespace, 'records'::regnamespace, 'platform'::regnamespace)
      and exists (select from pg_catalog.aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee = 0)`;
  assert.deepEqual([...functions], [], 'revoke execute on function … from public');
  const tables = await database.sql`select c.oid::regclass::text as name from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl)
    where c.relnamespace in ('auth'::regnamespace, 'records'::regnamespace, 'platform'::regnamespace) and grantee = 0`;
  assert.deepEqual([...tables], []);
  const schemas = await database.sql`select n.nspname from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl)
    where n.nspname in ('auth', 'records', 'platform', 'extensions', 'public') and grantee = 0`;
  assert.deepEqual([...schemas], []);
});

test('every SECURITY DEFINER function has an empty search_path', async () => {
  const open = await database.sql`select p.oid::regprocedure::text as name from pg_catalog.pg_proc p
    where p.prosecdef and not coalesce(p.proconfig @> array['search_path=""'], false)`;
  assert.deepEqual([...open], [], "add: set search_path = ''");
});

test('a new function can be executed by nobody until it is granted', async () => {
  const owner = postgres(database.direct.migratorUrl, { max: 1, fetch_types: false });
  await owner`set role record_owner`;
  await owner`create function records.new_one() returns integer language sql as 'select 1'`;
  await owner.end();
  await assert.rejects(as(database.direct.recordUrl, 'select records.new_one()'), { code: '42501' });
});

test('names are never looked up by a search_path; time limits and plans that stay are set by the role', async () => {
  for (const url of [database.authUrl, database.recordUrl]) {
    const [row] = (await as(
      url,
      `select current_setting('search_path') as path, current_setting('timezone') as zone, current_setting('statement_timeout') as statement,
        current_setting('transaction_timeout') as transaction, current_setting('idle_in_transaction_session_timeout') as idle, current_setting('plan_cache_mode') as plans`,
    )) as Record<string, string>[];
    assert.deepEqual(row, { path: '""', zone: 'UTC', statement: '15s', transaction: '20s', idle: '5s', plans: 'force_generic_plan' });
  }
});
