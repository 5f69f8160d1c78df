import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { testDatabase } from '../functions/testing/database.ts';
import { dumpSchema, schemaFile } from '../scripts/db/dump.ts';

test('schema.sql is what the migrations add up to', async () => {
  const database = await testDatabase();
  const dumped = await dumpSchema(database.direct.superuserUrl);
  const committed = existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : '';
  assert.equal(committed, dumped, 'db/schema.sql is of before a migration: npm run db -- dump');
});
