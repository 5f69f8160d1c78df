import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../functions/testing/database.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { type Migration, readMigrations } from './migrations.ts';

const present = readMigrations();
const added = (version: number, sql: string): Migration => ({ version, name: `${version}_added.sql`, sql, checksum: sql });

let database: TestDatabase;
let url: string;
beforeEach(async () => {
  database = await testDatabase();
  url = database.direct.migratorUrl;
});

const tables = async (): Promise<string[]> =>
  (await database.sql`select relname from pg_catalog.pg_class where relname like 'added%' and relkind = 'r' order by 1`).map(
    ({ relname }) => relname,
  );

test('new files are applied in order, once, and belong to record_owner', async () => {
  const migrations = [
    ...present,
    added(9001, 'create table records.added (id int)'),
    added(9002, 'alter table records.added rename to added_again'),
  ];
  const steps: string[] = [];
  assert.deepEqual(await migrate({ url, migrations, onStep: (name) => steps.push(name) }), {
    applied: ['9001_added.sql', '9002_added.sql'],
  });
  assert.deepEqual(steps, ['9001_added.sql', '9002_added.sql']);
  assert.deepEqual(await migrate({ url, migrations }), { applied: [] });
  assert.deepEqual(await tables(), ['added_again']);
  const [owner] = await database.sql`select relowner::regrole::text as name from pg_catalog.pg_class where relname = 'added_again'`;
  assert.equal(owner?.name, 'record_owner');
});

test('a file that fails leaves nothing of itself, and running again goes on from there', async () => {
  const first = added(9001, 'create table records.added_one (id int)');
  const broken = added(9002, 'create table records.added_two (id int);\nselect 1;\nselect * from nowhere.nothing');
  await assert.rejects(
    migrate({ url, migrations: [...present, first, broken] }),
    /^Error: 9002_added\.sql was not applied: relation "nowhere\.nothing" does not exist \(line 3\)/,
  );
  assert.deepEqual(await tables(), ['added_one']);
  const mended = added(9002, 'create table records.added_two (id int)');
  assert.deepEqual(await migrate({ url, migrations: [...present, first, mended] }), { applied: ['9002_added.sql'] });
  assert.deepEqual(await tables(), ['added_one', 'added_two']);
});

test('a runner that is killed in the middle of a file leaves whole files', async () => {
  const migrations = [...present, added(9001, 'create table records.added (id int); select pg_catalog.pg_sleep(10)')];
  const running = migrate({ url, migrations });
  running.catch(() => {});
  for (let tries = 0; tries < 300; tries++) {
    const ended = await database.sql`select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
      where datname = ${database.name} and application_name = 'record-platform migrate' and wait_event = 'PgSleep'`;
    if (ended.length === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await assert.rejects(running, /9001_added\.sql was not applied/);
  assert.deepEqual(await tables(), []);
  assert.deepEqual(
    (await migrationStatus(url, migrations)).pending.map(({ name }) => name),
    ['9001_added.sql'],
  );
});

test('two runners at once apply each file once', async () => {
  const migrations = [
    ...present,
    ...Array.from({ length: 5 }, (_, index) => added(9001 + index, `create table records.added_${index} (id int)`)),
  ];
  const [one, other] = await Promise.all([migrate({ url, migrations }), migrate({ url, migrations })]);
  assert.equal(one.applied.length + other.applied.length, 5);
});

test('an applied file that has changed is an error with the remedy', async () => {
  const changed = present.map((migration, index) => (index === 0 ? { ...migration, checksum: 'another' } : migration));
  await assert.rejects(
    migrate({ url, migrations: changed }),
    /0001_roles_and_schemas\.sql has changed since it was applied: put the file back/,
  );
});

test('a database that is newer than the files, and a file that comes too late, are errors with the remedy', async () => {
  const newest = added(9002, 'select 1');
  await migrate({ url, migrations: [...present, newest] });
  await assert.rejects(
    migrate({ url, migrations: present }),
    /The database has 9002_added\.sql, and db\/migrations has not: use a checkout/,
  );
  await assert.rejects(
    migrate({ url, migrations: [...present, added(9001, 'select 1'), newest] }),
    /9001_added\.sql is new .* give it the next free number/,
  );
});

test('a file that ends its own transaction is refused', async () => {
  const migrations = [...present, added(9001, 'create table records.added (id int); commit; begin')];
  await assert.rejects(migrate({ url, migrations }), /ends its own transaction/);
});

test('a file that waits for a lock gives up, and says why', { timeout: 60_000 }, async () => {
  await database.sql.begin(async (holder) => {
    await holder`lock table records.records in access exclusive mode`;
    await assert.rejects(
      migrate({ url, migrations: [...present, added(9001, 'alter table records.records add column added int')] }),
      /holds a lock/,
    );
  });
});

test('who holds a lock for seconds delays a file, and calls meanwhile wait for a second at most', { timeout: 60_000 }, async () => {
  const migrations = [...present, added(9001, 'alter table records.records add column added int')];
  let running: ReturnType<typeof migrate> | undefined;
  let slowestMs = 0;
  await database.sql.begin(async (holder) => {
    await holder`lock table records.records in access share mode`;
    running = migrate({ url, migrations });
    for (const until = performance.now() + 4_000; performance.now() < until; ) {
      const began = performance.now();
      await database.sql`select from records.records`;
      slowestMs = Math.max(slowestMs, performance.now() - began);
    }
  });
  assert.deepEqual(await running, { applied: ['9001_added.sql'] });
  assert.ok(slowestMs < 3_000, `${slowestMs} ms`);
});

const indexed = added(
  9001,
  `-- without transaction: writes go on while the indexes are built
create index if not exists added_all on only records.records (name);
${Array.from(
  { length: 8 },
  (_, partition) => `create index concurrently if not exists added_${partition} on records.records_${partition} (name);
alter index records.added_all attach partition records.added_${partition};
`,
).join('')}`,
);
const indexes = async (): Promise<(object | undefined)[]> => [
  ...(await database.sql`select relname as name, indisvalid as valid from pg_catalog.pg_index join pg_catalog.pg_class c on c.oid = indexrelid
    where relname like 'added%' order by 1`),
];

test('an index is built without a lock: of a partitioned table, each part for itself', async () => {
  assert.deepEqual(await migrate({ url, migrations: [...present, indexed] }), { applied: ['9001_added.sql'] });
  assert.equal((await indexes()).length, 9);
  assert.ok((await indexes()).every((index) => (index as { valid: boolean }).valid));
  assert.deepEqual(await migrate({ url, migrations: [...present, indexed] }), { applied: [] });
});

test('an index that was cut off while it was built is built anew', async () => {
  await database.sql`create index added_3 on records.records_3 (name)`;
  await database.sql`update pg_catalog.pg_index set indisvalid = false where indexrelid = 'records.added_3'::regclass`;
  await database.sql`alter index records.added_3 owner to record_owner`.catch(() => {});
  assert.deepEqual(await migrate({ url, migrations: [...present, indexed] }), { applied: ['9001_added.sql'] });
  assert.ok((await indexes()).every((index) => (index as { valid: boolean }).valid));
});

test('two runners at once build the same indexes once', { timeout: 20_000 }, async () => {
  const [one, other] = await Promise.all([
    migrate({ url, migrations: [...present, indexed] }),
    migrate({ url, migrations: [...present, indexed] }),
  ]);
  assert.equal(one.applied.length + other.applied.length, 1);
});

test('file names are numbered, and no number is taken twice', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  try {
    for (const name of ['0001_one.sql', '0002_two.sql', 'notes.md']) writeFileSync(join(folder, name), 'select 1');
    assert.deepEqual(
      readMigrations(folder).map(({ version, name }) => [version, name]),
      [
        [1, '0001_one.sql'],
        [2, '0002_two.sql'],
      ],
    );
    writeFileSync(join(folder, '0002_again.sql'), 'select 1');
    assert.throws(() => readMigrations(folder), /0002_again\.sql and 0002_two\.sql have one number/);
    rmSync(join(folder, '0002_again.sql'));
    writeFileSync(join(folder, '3-three.sql'), 'select 1');
    assert.throws(() => readMigrations(folder), /rename it like/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
