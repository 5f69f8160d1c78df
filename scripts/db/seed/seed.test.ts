import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { createPasswords } from '../../../functions/auth/passwords.ts';
import { parseNewRecord, type RecordRow, recordOf } from '../../../functions/records/record.ts';
import { type TestDatabase, testDatabase } from '../../../functions/testing/database.ts';
import { accountsOf, endMs } from './accounts.ts';
import { copyLine, rowsOf, type SeedRow } from './rows.ts';
import { seed } from './seed.ts';

const rowsOfAll = (set: 'skewed' | 'heaviest', records: number): SeedRow[] =>
  accountsOf(set, records).flatMap((account) => [...rowsOf(set, account)]);

describe('the data sets', () => {
  test('are the same whenever they are made', () => {
    const lines = () => rowsOfAll('skewed', 500).map(copyLine).join('');
    assert.equal(lines(), lines());
  });

  test('hold as many records as asked for, on many small accounts and some middling ones', () => {
    const sizes = accountsOf('skewed', 1_130_000).map(({ records }) => records);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      1_130_000,
    );
    assert.ok(sizes.length > 5_000, String(sizes.length));
    assert.equal(Math.max(...sizes), 10_000);
    const small = sizes.filter((size) => size < 1000);
    const mean = small.reduce((sum, size) => sum + size, 0) / small.length;
    assert.ok(mean > 80 && mean < 130, `small accounts own ${mean}`);
    assert.ok(sizes.filter((size) => size >= 1000).length > 50);
    assert.equal(Math.max(...accountsOf('heaviest', 1_130_000).map(({ records }) => records)), 1_130_000);
  });

  test('hold what the API would have stored: each record is accepted and comes out unchanged', () => {
    for (const row of [...rowsOfAll('skewed', 3_000), ...rowsOfAll('heaviest', 3_000)]) {
      const { id, user_id, created_at, updated_at, ...columns } = row;
      const message = recordOf({ ...(row as unknown as RecordRow), record_grade: row.given_grade, revision: '1' });
      // The double of the price is the client's other spelling of it.
      const parsed = parseNewRecord({ record: { ...message, pricePaid: undefined } }, new Date(endMs));
      assert.deepEqual(parsed, columns);
    }
  });

  test('have ids in the order of time', () => {
    for (const account of accountsOf('skewed', 2_000)) {
      const rows = [...rowsOf('skewed', account)];
      assert.equal(rows.length, account.records);
      for (const [index, row] of rows.entries()) {
        assert.equal(Number.parseInt(row.id.slice(0, 8) + row.id.slice(9, 13), 16), Date.parse(row.created_at));
        const next = rows[index + 1];
        if (next !== undefined) assert.ok(row.id < next.id && row.created_at <= next.created_at);
      }
    }
  });

  test('are in many scripts, with a few frequent words and many rare ones', () => {
    const rows = rowsOfAll('heaviest', 20_000);
    for (const script of ['Latin', 'Cyrillic', 'Greek', 'Han', 'Hangul', 'Arabic', 'Hebrew', 'Hiragana'])
      assert.ok(rows.filter(({ name }) => new RegExp(`\\p{Script=${script}}`, 'u').test(name)).length > 5, script);
    assert.ok(rows.filter(({ artist }) => /[À-ž]/.test(artist)).length > rows.length / 10);
    const counts = new Map<string, number>();
    for (const { name } of rows) for (const word of name.split(' ')) counts.set(word, (counts.get(word) ?? 0) + 1);
    const sorted = [...counts.values()].sort((one, other) => other - one);
    assert.ok(sorted.length > 5_000, String(sorted.length));
    assert.ok((sorted[20] as number) > 50 * (sorted[sorted.length >> 1] as number));
  });
});

describe('npm run db -- seed', () => {
  let database: TestDatabase;
  before(async () => {
    database = await testDatabase();
  });
  after(() => database?.drop());

  async function db(...args: string[]) {
    const child = spawn(process.execPath, [new URL('../../db.ts', import.meta.url).pathname, 'seed', ...args], {
      env: { ...process.env, MIGRATOR_DATABASE_URL: database.direct.migratorUrl },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    return { code: await new Promise((resolve) => child.once('close', resolve)), stdout, stderr };
  }

  const counts = async () =>
    (
      await database.sql<{ accounts: number; records: number; most: number }[]>`
        select count(distinct a.id)::int as accounts, count(r.id)::int as records,
          coalesce((select max(n) from (select count(*)::int as n from records.records group by user_id) c), 0) as most
        from auth.accounts a left join records.records r on r.user_id = a.id`
    )[0];

  test('fills the database, says with what, and refuses to do it twice', async () => {
    const [bystander] = await database.sql<{ id: string }[]>`
      insert into auth.accounts (id, email, email_key, password_hash)
      values (gen_random_uuid(), 'me@example.com', 'me@example.com', ${`$2b$12$${'.'.repeat(53)}`}) returning id`;
    await database.sql`insert into records.records (id, user_id, artist, name) values (gen_random_uuid(), ${bystander?.id as string}, 'Can', 'Ege Bamyasi')`;
    const first = await db('--records', '3000', '--password', 'opensesame');
    assert.match(first.stdout, /^3000 records of \d+ accounts in \d+ s; the largest account owns \d+\.\n$/, first.stderr);
    assert.equal(first.code, 0);
    const made = await counts();
    assert.equal(made?.records, 3001);

    const again = await db('--records', '3000');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^The data set "skewed" is there already, with \d+ accounts\. Seed with --replace to put/);
    assert.deepEqual(await counts(), made);

    const replaced = await db('--records', '3000', '--replace');
    assert.equal(replaced.code, 0, replaced.stderr);
    assert.deepEqual(await counts(), made);
    const [kept] = await database.sql`select name from records.records where user_id = ${bystander?.id as string}`;
    assert.equal(kept?.name, 'Ege Bamyasi');
  });

  test('lets one account own everything, beside small ones, and log in by the password that was given', async () => {
    const { code, stdout, stderr } = await db('--heaviest', '--records', '5000', '--password', 'opensesame');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /the largest account owns 5000\.\n$/);
    const [heaviest] = await database.sql`
      select a.password_hash, count(*)::int as records from auth.accounts a join records.records r on r.user_id = a.id
      where a.email = 'heaviest-1@seed.example' group by a.id`;
    assert.equal(heaviest?.records, 5000);
    assert.ok(await createPasswords({ cost: 12 }).verify('opensesame', heaviest?.password_hash));
  });

  for (const set of ['skewed', 'heaviest'] as const)
    test(`interrupted in the middle, it leaves whole accounts, and goes on from there: ${set}`, async () => {
      const fresh = await testDatabase();
      // More than one connection alone would copy.
      const records = 22_000;
      const options = { url: fresh.direct.migratorUrl, set, records, replace: false, password: undefined };
      const ofEach = () => fresh.sql<{ id: string; records: number }[]>`
        select a.id, (select count(*)::int from records.records r where r.user_id = a.id) as records from auth.accounts a`;
      try {
        const abort = new AbortController();
        const onProgress = (done: number) => done > 14_000 && abort.abort();
        await assert.rejects(
          seed({ ...options, onProgress, signal: abort.signal }),
          /^Remedy: Interrupted\. Each account that is there has all/,
        );
        const wanted = new Map(accountsOf(set, records).map((account) => [account.id, account.records]));
        for (const account of await ofEach()) assert.equal(account.records, wanted.get(account.id));
        const done = await seed({ ...options, onProgress: () => {}, signal: new AbortController().signal });
        const all = await ofEach();
        assert.equal(all.length, wanted.size);
        for (const account of all) assert.equal(account.records, wanted.get(account.id));
        const [rows] = await fresh.sql`select count(*)::int as count from records.records`;
        assert.equal(rows?.count, done.records);
        await assert.rejects(
          seed({ ...options, records: 1000, onProgress: () => {}, signal: new AbortController().signal }),
          /Remedy: The data set .* is there already/,
        );
      } finally {
        await fresh.drop();
      }
    });

  test('its records are found, a typo notwithstanding', async () => {
    const [row] = await database.sql<{ id: string; session: string; name: string }[]>`
      insert into auth.sessions (id, user_id, expires_at)
      select gen_random_uuid(), user_id, now() + interval '1 hour' from records.records where name = 'Nevermind' limit 1
      returning user_id as id, id as session`;
    const found = await database.sql`
      select f.name from records.list_records(
        ${row?.id as string}, ${row?.session as string}, 'nevremind', '{}', 'RELEVANCE', 10, 0, null, null, null, null) f`;
    assert.ok(found.some(({ name }) => name === 'Nevermind'));
  });

  test('has a help of its own, and knows wrong usage', async () => {
    const help = await db('--help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^npm run db -- seed/);
    for (const args of [['--records', '0'], ['--records', 'many'], ['--record', '5'], ['more']]) {
      const { code, stdout, stderr } = await db(...args);
      assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
      assert.match(stderr, /npm run db -- seed/);
    }
  });
});
