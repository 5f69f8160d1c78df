import assert from 'node:assert/strict';
import { test } from 'node:test';
import postgres from 'postgres';
import { testDatabase } from './database.ts';

test('a test database is migrated, empty, and reached through PgBouncer by both roles', async () => {
  const database = await testDatabase();
  for (const [role, url] of [
    ['auth_app', database.authUrl],
    ['record_app', database.recordUrl],
    ['auth_app', database.direct.authUrl],
    ['record_app', database.direct.recordUrl],
  ] as const) {
    const sql = postgres(url, { max: 1, fetch_types: false });
    assert.deepEqual(
      [...(await sql`select current_user::text as role, current_database()::text as name`)],
      [{ role, name: database.name }],
    );
    await sql.end();
  }
  const [{ count }] = (await database.sql`select count(*)::int as count from platform.migrations`) as unknown as [{ count: number }];
  assert.ok(count >= 1);
  await database.drop();
});

test('databases made at once are separate, and each is there within a second', async () => {
  const startedAt = performance.now();
  const databases = await Promise.all(Array.from({ length: 4 }, () => testDatabase()));
  const milliseconds = performance.now() - startedAt;
  assert.equal(new Set(databases.map(({ name }) => name)).size, 4);
  await Promise.all(databases.map((database) => database.drop()));
  assert.ok(milliseconds < 4000, `4 databases took ${milliseconds} ms`);
});

test('nobody but the roles of the platform may enter a test database', async () => {
  const database = await testDatabase();
  const [row] = await database.sql`select datacl::text as acl from pg_catalog.pg_database where datname = ${database.name}`;
  assert.doesNotMatch(row?.acl, /[{,]=/, 'PUBLIC has a privilege on the database');
  await database.drop();
});
