import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from './testing.ts';

// The second wall: what the database itself refuses to a role whose operations have forgotten to ask.
describe('the database, to whoever logs in as record_app', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let sql: postgres.Sql;
  let alice: Collector;
  let bob: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    await operations.createRecord(alice, { record: everything, requestId: 'alice' });
    await operations.createRecord(bob, { record: everything, requestId: 'bob' });
    sql = postgres(records.environment.DATABASE_URL as string, { max: 1, fetch_types: false });
  });
  after(async () => {
    await sql?.end();
    await operations?.close();
    await records?.drop();
  });

  const as = <T>(caller: Collector, work: (transaction: postgres.TransactionSql) => Promise<T>) =>
    sql.begin(async (transaction) => {
      await transaction`select auth.begin_call(${caller.userId}, ${caller.sessionId})`;
      return work(transaction);
    });

  test('shows no row of a user to nobody', async () => {
    for (const table of ['records.records', 'records.readable', 'records.idempotency'])
      assert.deepEqual(await sql.unsafe(`select 1 from ${table}`).then((rows) => rows.length), 0, table);
    await sql.unsafe(`select set_config('app.user_id', '', false)`);
    assert.equal((await sql`select 1 from records.records`).length, 0);
  });

  test('shows a caller the rows of the caller', async () => {
    for (const table of ['records.records', 'records.readable', 'records.idempotency']) {
      const rows = await as(alice, (transaction) => transaction.unsafe(`select user_id from ${table}`));
      assert.deepEqual([...rows], [{ user_id: alice.userId }], table);
    }
  });

  for (const mode of ['force_generic_plan', 'force_custom_plan'])
    test(`reads a record by its id only after it has checked the session (${mode})`, async () => {
      const [{ id } = {}] = await as(alice, (transaction) => transaction`select id from records.records`);
      const read = (session: string, caller = alice) =>
        sql.begin(async (transaction) => {
          await transaction.unsafe(`set local plan_cache_mode = ${mode}`);
          return transaction`select id from records.read_record(${caller.userId}, ${session}, ${id})`.then((rows) =>
            rows.map((row) => row.id),
          );
        });
      assert.deepEqual(await read(alice.sessionId), [id]);
      assert.deepEqual(await read(bob.sessionId, bob), []);
      for (const session of [bob.sessionId, randomUUIDv7()])
        await assert.rejects(read(session), (error: postgres.PostgresError) => error.message === 'SESSION_ENDED');
    });

  test('forgets the caller with the transaction, though the connection stays', async () => {
    await as(alice, async (transaction) => assert.equal((await transaction`select 1 from records.records`).length, 1));
    assert.equal((await sql`select 1 from records.records`).length, 0);
  });

  test('changes, removes and adds nothing of another account', async () => {
    assert.equal(
      (await as(alice, (transaction) => transaction`update records.records set notes = 'x' where user_id = ${bob.userId}`)).count,
      0,
    );
    assert.equal((await as(alice, (transaction) => transaction`delete from records.records where user_id = ${bob.userId}`)).count, 0);
    assert.equal((await as(alice, (transaction) => transaction`delete from records.idempotency where user_id = ${bob.userId}`)).count, 0);
    await assert.rejects(
      as(
        alice,
        (transaction) =>
          transaction`insert into records.records (id, user_id, artist, name) values (gen_random_uuid(), ${bob.userId}, 'x', 'x')`,
      ),
      { code: '42501' },
    );
    await assert.rejects(
      as(alice, (transaction) => transaction`update records.records set user_id = ${bob.userId}`),
      { code: '42501' },
    );
  });

  test('keeps partitions closed, which have no policy of their own callers could meet', async () => {
    for (let number = 0; number < 8; number++)
      await assert.rejects(sql.unsafe(`select 1 from records.records_${number}`), { code: '42501' });
  });

  test('lets nobody else execute a function of records, nor truncate a table', async () => {
    const rows = await records.database.sql`
      select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'records' and (has_function_privilege('auth_app', p.oid, 'execute') or p.prosecdef)`;
    assert.deepEqual([...rows], []);
    await assert.rejects(sql`truncate records.records`, { code: '42501' });
    const [owned] = await records.database
      .sql`select count(*)::int as count from pg_class where relowner in ('record_app'::regrole, 'auth_app'::regrole)`;
    assert.equal(owned?.count, 0);
  });

  const walls: readonly { readonly column: string; readonly value: string }[] = [
    { column: 'artist', value: "''" },
    { column: 'name', value: "repeat('x', 257)" },
    { column: 'price', value: '-0.01' },
    { column: 'price', value: '1000000000000' },
    { column: 'currency', value: "'eur'" },
    { column: 'release_year', value: '1859' },
    { column: 'pressing_year', value: '3000' },
    { column: 'purchased_at', value: "'1859-12-31'" },
    { column: 'rating', value: '6' },
    { column: 'given_grade', value: "'VG++'" },
    { column: 'media', value: `'{}'` },
    { column: 'aliases', value: `'"x"'` },
    { column: 'discogs_release_id', value: '0' },
    { column: 'notes', value: "repeat('x', 4097)" },
    { column: 'added_at', value: "'infinity'" },
  ];
  for (const { column, value } of walls)
    test(`takes no ${column} of ${value}`, async () => {
      await assert.rejects(
        as(alice, (transaction) => transaction.unsafe(`update records.records set ${column} = ${value}`)),
        (error: postgres.PostgresError) => ['23514', '22P02', '22003', '22023'].includes(error.code),
      );
    });

  const forms: readonly { readonly name: string; readonly input: string; readonly expected: string }[] = [
    { name: 'case', input: 'ABBA', expected: 'abba' },
    { name: 'accents', input: 'Motörhead Ágætis Łódź Sigur Rós', expected: 'motorhead agaetis lodz sigur ros' },
    { name: 'combining accents', input: 'Bjo\u0308rk', expected: 'bjork' },
    { name: 'Greek accents', input: 'Ναϊάς', expected: 'ναιας' },
    { name: 'Cyrillic', input: 'Ёлка', expected: 'елка' },
    { name: 'sharp s', input: 'Größe', expected: 'grosse' },
    { name: 'width', input: 'ＡＢＣ ﾄﾞ', expected: 'abc ド' },
    { name: 'spaces', input: ' \t a\u00a0\u3000b \n', expected: 'a b' },
    { name: 'what must stay', input: "AC/DC 100% _!! n' \\ 坂本", expected: "ac/dc 100% _!! n' \\ 坂本" },
  ];
  for (const { name, input, expected } of forms)
    test(`brings ${name} to normal form: ${JSON.stringify(input)} is ${JSON.stringify(expected)}`, async () => {
      const [row] = await records.database.sql`select records.normal_form(${input}) as form`;
      assert.equal(row?.form, expected);
      const [again] = await records.database.sql`select records.normal_form(${expected}) as form`;
      assert.equal(again?.form, expected);
    });

  test('reads a record from one partition, by its key', async () => {
    const plan = await as(alice, async (transaction) => {
      await transaction`select set_config('plan_cache_mode', 'force_generic_plan', true)`;
      await transaction.unsafe('prepare by_id (uuid, uuid) as select * from records.readable r where r.user_id = $1 and r.id = $2');
      const rows = await transaction.unsafe(
        `explain (analyze, costs off, timing off, summary off) execute by_id ('${alice.userId}', gen_random_uuid())`,
      );
      await transaction.unsafe('deallocate by_id');
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    assert.match(plan, /Subplans Removed: 7/);
    assert.match(plan, /Index Scan using records_\d/);
    assert.doesNotMatch(plan, /Seq Scan/);
  });

  test("searches in the document's index, in spite of row-level security", async () => {
    const carol = await records.newCollector();
    await records.database.sql`insert into records.records (id, user_id, artist, name)
      select gen_random_uuid(), ${carol.userId}, 'Various', 'Volume ' || n from generate_series(1, 3000) n`;
    await records.database.sql`analyze records.records`;
    const plan = await as(carol, async (transaction) => {
      await transaction`select set_config('plan_cache_mode', 'force_generic_plan', true)`;
      await transaction.unsafe(`prepare by_words (uuid, tsquery) as
        select r.id from records.records r where r.user_id = $1 and r.document operator(extensions.@~) $2`);
      const rows = await transaction.unsafe(`explain (costs off) execute by_words ('${carol.userId}', '''x''')`);
      await transaction.unsafe('deallocate by_words');
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    assert.match(plan, /Index Cond: \(document OPERATOR\(extensions\.@~\) \$2\)/);
  });

  test("keeps the words of each account apart in that index, by the end of the account's id", async () => {
    const lexemes = await as(
      alice,
      (transaction) => transaction`select unnest(tsvector_to_array(document)) as lexeme from records.records`,
    );
    assert.ok(lexemes.length > 5);
    for (const { lexeme } of lexemes) assert.equal(lexeme.slice(0, 6), alice.userId.slice(-6));
  });

  test('knows of each account its own words alone', async () => {
    // A misspelt search learns them.
    for (const caller of [alice, bob]) assert.equal((await operations.searchRecords(caller, { query: 'Baetles' })).total, 1);
    const words = (caller: Collector) =>
      as(caller, (transaction) => transaction`select user_id, word from records.words`).then((rows) => rows.map((row) => ({ ...row })));
    const [hers, his] = [await words(alice), await words(bob)];
    assert.ok(hers.length > 5);
    assert.deepEqual(new Set(hers.map((row) => row.user_id)), new Set([alice.userId]));
    assert.deepEqual(new Set(his.map((row) => row.user_id)), new Set([bob.userId]));
    assert.equal((await sql`select 1 from records.words`).length, 0);
  });

  test('takes names that grow in their normal form, and finds them', async () => {
    // One sign, eighteen letters: index entries and lexemes have an end.
    const name = '\ufdfa'.repeat(256);
    const { id } = await operations.add(alice, {
      artist: name,
      name: '\u3316'.repeat(256),
      label: name,
      catalogNumber: name,
      format: name,
    });
    assert.equal((await operations.searchRecords(alice, { artist: name })).records[0]?.id, id);
    await operations.deleteRecord(alice, { recordId: id });
  });

  test('brings all of ASCII to normal form as the longer way does', async () => {
    const ascii = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code + 1)).join('');
    const [row] = await records.database
      .sql`select records.normal_form(${`x${ascii}x`}) as short, records.normal_form(${`x${ascii}xé`}) as long`;
    assert.equal(`${row?.short}e`, row?.long);
  });
});
