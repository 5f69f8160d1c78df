import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import authenticate from '../../functions/auth/authenticate/function.ts';
import register from '../../functions/auth/register/function.ts';
import { type AuthTest, authTest, goodPassword, newEmail } from '../../functions/auth/testing.ts';
import validateToken from '../../functions/auth/validate-token/function.ts';
import createRecord from '../../functions/records/create-record/function.ts';
import deleteRecord from '../../functions/records/delete-record/function.ts';
import getRecord from '../../functions/records/get-record/function.ts';
import searchRecords from '../../functions/records/search-records/function.ts';
import updateRecord from '../../functions/records/update-record/function.ts';
import { startFunction } from '../../functions/testing/start.ts';
import { startTestServers, TEST_SERVERS, type TestServers } from '../../scripts/db/test-servers.ts';

// PgBouncer below 1.21 (Debian 12 has 1.18) knows no prepared statements in transaction pooling: a client prepares on one server connection
// and is given another. max_prepared_statements = 0 is that behaviour.
describe('a PgBouncer that keeps no prepared statements, as 1.18', { timeout: 60_000 }, () => {
  const given = process.env[TEST_SERVERS];
  let servers: TestServers;
  let auth: AuthTest;
  let environment: Record<string, string>;

  before(async () => {
    servers = await startTestServers({ pgbouncer: { max_prepared_statements: '0', default_pool_size: '3', server_idle_timeout: '60' } });
    Object.assign(process.env, servers.environment);
    auth = await authTest();
    environment = {
      ...auth.environment,
      DATABASE_PREPARE: 'false',
      DATABASE_URL: auth.database.recordUrl,
      PAGE_TOKEN_KEY: Buffer.alloc(32, 1).toString('base64'),
    };
  });
  after(async () => {
    if (given === undefined) delete process.env[TEST_SERVERS];
    else process.env[TEST_SERVERS] = given;
    await auth?.drop();
    await servers?.stop();
  });

  /** Names of the prepared statements on all of PgBouncer's connections to the server. */
  const preparedThere = async (): Promise<string[]> => {
    const sql = postgres(auth.database.recordUrl, { max: 3, prepare: false, fetch_types: false });
    const look = () => sql`select array(select name from pg_catalog.pg_prepared_statements)::text as names, pg_sleep(0.2)`;
    const answers = await Promise.all([look(), look(), look()]);
    await sql.end({ timeout: 1 });
    return answers.flatMap(([row]) => row?.names.slice(1, -1).split(',').filter(Boolean));
  };

  test('serves every kind of function with DATABASE_PREPARE=false, many calls at once', async () => {
    const authEnvironment = { ...auth.environment, DATABASE_PREPARE: 'false' };
    const started = await Promise.all([
      startFunction(register, authEnvironment),
      startFunction(authenticate, authEnvironment),
      startFunction(validateToken, authEnvironment),
      startFunction(createRecord, environment),
      startFunction(getRecord, environment),
      startFunction(searchRecords, environment),
      startFunction(updateRecord, environment),
      startFunction(deleteRecord, environment),
    ]);
    const [registering, loggingIn, validating, creating, getting, searching, updating, deleting] = started;
    try {
      const email = newEmail();
      await registering.call({ email, password: goodPassword });
      const { token } = await loggingIn.call({ email, password: goodPassword });
      assert.equal((await validating.call({ token })).valid, true);
      const walk = async (number: number): Promise<void> => {
        const { record } = await creating.call(
          { record: { artist: 'Can', name: `Tape ${number}` } as never, requestId: `r${number}` },
          { token },
        );
        const recordId = record?.id as string;
        const { record: changed } = await updating.call(
          { recordId, record: { notes: `Side ${number}` } as never, updateMask: ['notes'] },
          { token },
        );
        assert.equal(changed?.etag, '2');
        assert.equal((await getting.call({ recordId }, { token })).record?.notes, `Side ${number}`);
        assert.ok((await searching.call({ query: `tape ${number}` }, { token })).records.some(({ id }) => id === recordId));
        assert.equal((await deleting.call({ recordId }, { token })).success, true);
      };
      await Promise.all(Array.from({ length: 40 }, (_, number) => walk(number)));
      const faults = started.flatMap((one) => one.logged()).filter((line) => line.severity === 'ERROR' || line.severity === 'WARNING');
      assert.deepEqual(faults, []);
      assert.deepEqual(await preparedThere(), []);
    } finally {
      await Promise.all(started.map((one) => one.stop()));
    }
  });

  test('would be given statements of a client that prepares, under names that another client has too', async () => {
    const sql = postgres(auth.database.recordUrl, { max: 1, fetch_types: false });
    await sql`select ${1}::int as n`;
    await sql.end({ timeout: 1 });
    const names = await preparedThere();
    assert.ok(names.length > 0);
    // What PgBouncer keeps itself is called so.
    assert.deepEqual(
      names.filter((name) => name.startsWith('PGBOUNCER_')),
      [],
    );
  });
});
