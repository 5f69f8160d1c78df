import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../functions/testing/database.ts';
import { type Described, describeStatements } from './rehearsal/statements.ts';

// What the release before asks of the database, kept as it was: the newest schema must answer each statement with the same columns. It needs
// no history, and holds for statements that the rehearsal doesn't run. Only a release replaces it: npm run db -- dump --release.
const baseline = JSON.parse(readFileSync(new URL('baseline.json', import.meta.url), 'utf8')) as Record<string, Described[]>;

describe('the newest schema answers the release before', () => {
  let database: TestDatabase;
  before(async () => {
    database = await testDatabase();
  });

  for (const [name, statements] of Object.entries(baseline))
    test(`each statement of ${name}, ${statements.length} in all, with the columns that it had`, async () => {
      assert.ok(statements.length > 5);
      const url = name === 'auth' ? database.direct.authUrl : database.direct.recordUrl;
      assert.deepEqual(await describeStatements(url, statements), statements);
    });

  test('a statement that no longer fits is named', async () => {
    const statement = { file: 'x/queries.ts', statement: 'select * from records.gone($1)' };
    await assert.rejects(
      describeStatements(database.direct.recordUrl, [statement]),
      /^Error: x\/queries\.ts: select \* from records\.gone/,
    );
  });
});
