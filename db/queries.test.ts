import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { type TestDatabase, testDatabase } from '../functions/testing/database.ts';
import { statementFiles, statementsOf } from './rehearsal/statements.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = statementFiles();

test('statements are found in source text', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  const source = 'const a = await sql<{ a: string }>`select a from b.c(${f({ x: 1 })}, ${y})`; processSql`select 1`; sql`select ${z}`';
  assert.deepEqual(statementsOf(source), ['select a from b.c($1, $2)', 'select 1', 'select $1']);
});

describe('every statement in functions/', () => {
  let database: TestDatabase;
  before(async () => {
    database = await testDatabase();
  });

  for (const file of files) {
    const statements = statementsOf(readFileSync(`${root}${file}`, 'utf8'));
    if (statements.length === 0) continue;
    test(`of ${file} names its schema, fits the migrated database, and is granted to its role`, async () => {
      const urls = file.startsWith('functions/auth/')
        ? [database.authUrl]
        : file.startsWith('functions/records/')
          ? [database.recordUrl]
          : [database.authUrl, database.recordUrl];
      for (const url of urls) {
        const sql = postgres(url, { max: 1, fetch_types: false, prepare: false });
        // Planned but not run, as the role: its search_path is empty, and its rights are checked.
        for (const statement of statements)
          await sql
            .unsafe(`explain (generic_plan) ${statement}`)
            .catch((error) => assert.fail(`${statement}\n${error.message} (as ${new URL(url).username})`));
        await sql.end();
      }
    });
  }

  test('is found at all', () => {
    const with_ = files.filter((file) => statementsOf(readFileSync(`${root}${file}`, 'utf8')).length > 0);
    const queries = files.filter((file) => file.endsWith('/queries.ts'));
    assert.ok(queries.length > 0);
    assert.deepEqual(
      queries.filter((file) => !with_.includes(file)),
      [],
    );
  });
});
