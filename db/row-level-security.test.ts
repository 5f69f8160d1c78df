import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import postgres from 'postgres';
import { type TestDatabase, testDatabase } from '../functions/testing/database.ts';

// Over the catalog, so that it holds for tables that nobody has thought of yet.

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});

/** Tables with a column user_id. A partition can't be reached but through its table, so its own rights must be none. */
const tablesOfUsers = () => database.sql`
  select c.oid::regclass::text as name, c.relispartition as partition, c.relrowsecurity and c.relforcerowsecurity as forced,
    (select count(*)::int from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies,
    has_any_column_privilege('record_app', c.oid, 'select, insert, update') or has_any_column_privilege('auth_app', c.oid, 'select, insert, update')
      or has_table_privilege('record_app', c.oid, 'delete') or has_table_privilege('auth_app', c.oid, 'delete') as reached
  from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
  where c.relkind in ('r', 'p') and c.relnamespace in ('auth'::regnamespace, 'records'::regnamespace, 'platform'::regnamespace)`;

test("every table that holds a user's rows is under forced row-level security, with policies", async () => {
  const tables = await tablesOfUsers();
  assert.ok(tables.some(({ name }) => name === 'records.records'));
  for (const { name, partition, forced, policies, reached } of tables) {
    if (partition) assert.equal(reached, false, `${name} is a partition that an app role can reach past its table's policies`);
    else assert.ok(forced && policies > 0, `${name}: alter table … enable and force row level security, and create policy`);
  }
});

test('a view on such a table runs as whoever asks it, or asks who calls', async () => {
  const views =
    await database.sql`select c.oid::regclass::text as name, pg_get_viewdef(c.oid) as says from pg_catalog.pg_class c where c.relkind = 'v'
    and c.relnamespace in ('auth'::regnamespace, 'records'::regnamespace) and not coalesce(c.reloptions @> array['security_invoker=true'], false)`;
  assert.deepEqual(
    views.map(({ name }) => name),
    ['auth.sessions_of_caller'],
    'create view … with (security_invoker = true)',
  );
  assert.match(views[0]?.says, /user_id = \(NULLIF\(current_setting\('app\.user_id'::text, true\)/);
});

test("of auth's sessions record_app sees the open ones of who it says that it is, by their id alone", async () => {
  const [mine, other] = ['0190a6b2-5a3c-7000-8000-000000000011', '0190a6b2-5a3c-7000-8000-000000000012'];
  const [open, ended, hers] = [1, 2, 3].map((n) => `0190a6b2-5a3c-7000-8000-00000000002${n}`) as [string, string, string];
  for (const [id, name] of [
    [mine, 'mine'],
    [other, 'other'],
  ])
    await database.sql`insert into auth.accounts (id, email, email_key, password_hash) values (${id as string}, ${`${name}@x.org`}, ${`${name}@x.org`}, ${`$2b$12$${'x'.repeat(53)}`})`;
  await database.sql`insert into auth.sessions (id, user_id, expires_at, ended_at, ended_by) values
    (${open}, ${mine as string}, now(), null, null), (${ended}, ${mine as string}, now(), now(), 'LOGOUT'), (${hers}, ${other as string}, now(), null, null)`;
  const sql = postgres(database.recordUrl, { max: 1, fetch_types: false });
  try {
    assert.deepEqual([...(await sql`select * from auth.sessions_of_caller`)], []);
    const seen = await sql.begin(async (transaction) => {
      await transaction`select set_config('app.user_id', ${mine as string}, true)`;
      return transaction`select * from auth.sessions_of_caller`;
    });
    assert.deepEqual([...seen], [{ id: open }]);
  } finally {
    await sql.end({ timeout: 5 });
  }
});

test('policies for app roles look at the caller of the transaction, also for rows that are written', async () => {
  const policies =
    await database.sql`select polrelid::regclass::text || '.' || polname as name, pg_get_expr(polqual, polrelid) as reads, pg_get_expr(polwithcheck, polrelid) as writes, polcmd
    from pg_catalog.pg_policy where not (array['record_owner'::regrole::oid] @> polroles)`;
  assert.ok(policies.length > 0);
  for (const { name, reads, writes, polcmd } of policies)
    for (const expression of polcmd === 'a' ? [writes] : polcmd === 'r' || polcmd === 'd' ? [reads] : [reads, writes ?? reads])
      assert.match(String(expression), /current_setting\('app\.user_id'/, `${name} does not ask who calls`);
});

test('without a caller, and as another, an app role sees, changes and removes no row', async () => {
  const [mine, other] = ['0190a6b2-5a3c-7000-8000-000000000001', '0190a6b2-5a3c-7000-8000-000000000002'];
  const tables = (await tablesOfUsers()).filter(({ partition, reached }) => !partition && reached);
  assert.ok(tables.some(({ name }) => name === 'records.records'));
  for (const { name } of tables) await insertRow(String(name), mine);
  for (const [role, url] of [
    ['record_app', database.recordUrl],
    ['auth_app', database.authUrl],
  ] as const) {
    const sql = postgres(url, { max: 1, fetch_types: false, prepare: false });
    for (const { name } of tables) {
      const [rights] =
        await database.sql`select has_any_column_privilege(${role}, ${name}::regclass, 'select') as select, has_table_privilege(${role}, ${name}::regclass, 'delete') as delete,
        has_column_privilege(${role}, ${name}::regclass, 'user_id', 'select') as by_user`;
      for (const caller of ['', other]) {
        await sql.begin(async (transaction) => {
          await transaction`select set_config('app.user_id', ${caller}, true)`;
          if (rights?.select)
            assert.equal((await transaction.unsafe(`select 1 from ${name}`)).length, 0, `${role} sees ${name} as "${caller}"`);
          if (rights?.delete)
            assert.equal((await transaction.unsafe(`delete from ${name}`)).count, 0, `${role} removes from ${name} as "${caller}"`);
        });
      }
      await sql.begin(async (transaction) => {
        await transaction`select set_config('app.user_id', ${mine}, true)`;
        if (rights?.select)
          assert.equal((await transaction.unsafe(`select 1 from ${name}`)).length, 1, `${role} does not see its own in ${name}`);
      });
    }
    assert.equal(
      (await sql`select current_setting('app.user_id', true) as caller`)[0]?.caller || null,
      null,
      'the caller outlives the transaction',
    );
    await sql.end();
  }
});

/** Fills every column that must be filled with something of its type; triggers and foreign keys are not what is tested. */
async function insertRow(table: string, userId: string): Promise<void> {
  const columns = await database.sql`select a.attname as name, format_type(a.atttypid, a.atttypmod) as type from pg_catalog.pg_attribute a
    where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped and a.attnotnull and a.attgenerated = '' and not a.atthasdef`;
  const values = columns.map(({ name, type }) => (name === 'user_id' ? `'${userId}'::uuid` : sampleOf(String(type))));
  await database.sql.unsafe(`set session_replication_role = replica;
    insert into ${table} (${columns.map(({ name }) => `"${name}"`).join(', ')}) values (${values.join(', ')})`);
}

function sampleOf(type: string): string {
  if (type === 'uuid') return `'${'0190a6b2-5a3c-7000-8000-00000000000a'}'::uuid`;
  if (type === 'bytea') return `decode(repeat('ab', 32), 'hex')`;
  if (type === 'jsonb') return `'[]'::jsonb`;
  if (type.startsWith('timestamp')) return 'now()';
  if (type === 'boolean') return 'false';
  if (type.endsWith('[]')) return `'{}'::${type}`;
  if (/^(integer|smallint|bigint|numeric)/.test(type)) return '1';
  return `'x'::${type}`;
}
