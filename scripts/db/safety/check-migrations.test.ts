import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMigrations } from '../migrations.ts';
import { checkMigrations } from './check-migrations.ts';

const release = '0.4.0';
const present = `create schema records; create table records.records (id uuid, notes text); create type records.grade as enum ('M');
  create function records.f(p_id uuid) returns integer language sql as 'select 1'; create view records.readable as select id from records.records;`;

/** What is found in a migration that comes after others: the remedies, without where. */
async function found(...migrations: readonly string[]): Promise<string[]> {
  const files = [present, ...migrations].map((sql, index) => ({ version: index + 3, name: `000${index + 3}_x.sql`, sql, checksum: '' }));
  return checkMigrations(files, release);
}

const allowed: readonly string[] = [
  'create table records.other (id uuid references records.records, check (id is not null)); create index on records.other (id); drop table records.other',
  'create table records.parent (id uuid) partition by hash (id); create table records.child partition of records.parent for values with (modulus 1, remainder 0)',
  'alter table records.records add column x integer',
  "alter table records.records add column x integer not null default 0, add column y timestamptz default now(), add column z text[] default '{}'",
  'alter table records.records alter column notes drop not null, alter column notes set default 1, alter column notes set statistics 1000',
  'alter table records.records set (fillfactor = 90)',
  'create or replace function records.f(p_id uuid) returns integer language sql as $$ select 2 $$',
  'create function records.f(p_id uuid, p_more text) returns integer language sql as $$ select 2 $$; drop function records.f(uuid, text)',
  "alter type records.grade add value 'NM'",
  'grant select on records.records to record_app; comment on table records.records is $$x$$',
  'create policy p on records.records using (true); create statistics records.s on id, notes from records.records',
  'create index i on only records.records (id)',
  '-- without transaction\ncreate index concurrently if not exists i on records.records (id);\n',
  "set local work_mem = '1GB'; insert into records.records values (null)",
  'create schema fresh; create table fresh.a (b text); alter table fresh.a drop column b; update fresh.a set b = null; truncate fresh.a',
];

const refused: readonly { readonly sql: string; readonly kinds: readonly ('contract' | 'locks' | 'unseen')[]; readonly says: RegExp }[] = [
  { sql: 'drop table records.records', kinds: ['contract'], says: /table records\.records is dropped/ },
  { sql: 'drop view records.readable', kinds: ['contract'], says: /view records\.readable is dropped/ },
  { sql: 'drop function if exists records.f(uuid)', kinds: ['contract'], says: /function records\.f\(uuid\) is dropped/ },
  {
    sql: "create function records.f(x text) returns integer language sql as 'select 1'; drop function records.f(uuid)",
    kinds: ['contract'],
    says: /f\(uuid\)/,
  },
  { sql: 'drop schema records cascade', kinds: ['contract'], says: /schema records is dropped/ },
  { sql: 'drop policy p on records.records', kinds: ['contract'], says: /policy/ },
  { sql: 'drop index records.i', kinds: ['contract'], says: /index/ },
  {
    sql: 'create or replace view records.readable as select id, notes from records.records',
    kinds: ['contract'],
    says: /just returning rows of records\.readable/,
  },
  { sql: 'alter table records.records drop column notes', kinds: ['contract'], says: /records\.records\.notes is dropped/ },
  { sql: 'alter table records.records rename column notes to remarks', kinds: ['contract'], says: /becomes remarks/ },
  { sql: 'alter table records.records rename to recordings', kinds: ['contract'], says: /becomes recordings/ },
  { sql: 'alter function records.f(uuid) rename to g', kinds: ['contract'], says: /becomes g/ },
  { sql: 'alter table records.records set schema public', kinds: ['unseen'], says: /AlterObjectSchema/ },
  { sql: 'alter table records.records alter column notes type varchar(9)', kinds: ['contract'], says: /another type/ },
  { sql: 'alter table records.records alter column notes set not null', kinds: ['contract', 'locks'], says: /refuses nulls/ },
  { sql: 'alter table records.records alter column notes drop default', kinds: ['contract'], says: /no default/ },
  { sql: 'alter table records.records add column x integer not null', kinds: ['contract'], says: /does not give it/ },
  { sql: 'alter table records.records add column x uuid default gen_random_uuid()', kinds: ['locks'], says: /another default/ },
  { sql: 'alter table records.records add column x text generated always as (notes) stored', kinds: ['locks'], says: /written anew/ },
  { sql: 'alter table records.records add column x bigserial', kinds: ['locks'], says: /number it/ },
  { sql: 'alter table records.records add column x integer check (x > 0)', kinds: ['locks'], says: /to check/ },
  { sql: 'alter table records.records add column x integer unique', kinds: ['locks'], says: /index/ },
  { sql: 'alter table records.records add column x uuid references records.records', kinds: ['locks'], says: /foreign key/ },
  { sql: "alter table records.records add constraint c check (notes <> '')", kinds: ['contract', 'locks'], says: /refuses rows/ },
  { sql: "alter table records.records add constraint c check (notes <> '') not valid", kinds: ['contract'], says: /refuses rows/ },
  { sql: 'alter table records.records add constraint c unique (id)', kinds: ['contract', 'locks'], says: /refuses rows/ },
  { sql: 'alter table records.records drop constraint c', kinds: ['contract'], says: /on conflict/ },
  { sql: 'alter table records.records disable row level security', kinds: ['contract'], says: /DisableRowSecurity/ },
  { sql: 'alter table records.records detach partition records.p', kinds: ['contract'], says: /DetachPartition/ },
  { sql: 'alter table records.records owner to postgres', kinds: ['contract'], says: /ChangeOwner/ },
  { sql: 'create index i on records.records (id)', kinds: ['locks'], says: /writes to records\.records wait/ },
  { sql: 'create unique index i on records.records (id)', kinds: ['contract', 'locks'], says: /refuses rows/ },
  {
    sql: 'create table records.p partition of records.records for values with (modulus 2, remainder 1)',
    kinds: ['locks'],
    says: /made in place/,
  },
  { sql: "alter type records.grade rename value 'M' to 'Mint'", kinds: ['contract'], says: /renamed/ },
  { sql: 'alter type records.pair add attribute x integer', kinds: ['contract'], says: /prepared/ },
  { sql: 'revoke select on records.records from record_app', kinds: ['contract'], says: /taken away/ },
  { sql: 'update records.records set notes = null', kinds: ['locks'], says: /in batches/ },
  { sql: 'delete from records.records', kinds: ['contract'], says: /rows of records\.records are removed/ },
  { sql: 'truncate records.records', kinds: ['contract'], says: /rows/ },
  { sql: 'lock table records.records', kinds: ['unseen'], says: /Lock/ },
  { sql: "do $$ begin execute 'drop table records.records'; end $$", kinds: ['unseen'], says: /DO block/ },
  { sql: 'select records.f(null)', kinds: ['unseen'], says: /may do anything/ },
  { sql: 'commit', kinds: ['unseen'], says: /ends its own transaction/ },
  { sql: 'set lock_timeout = 0', kinds: ['unseen'], says: /set local/ },
  { sql: "set local lock_timeout = '1h'", kinds: ['locks'], says: /keeps calls from waiting/ },
];

describe('a migration', () => {
  for (const sql of allowed)
    test(`may: ${sql}`, async () => {
      assert.deepEqual(await found(sql), []);
    });

  const answers = {
    contract: '-- contract: 0.4.0 no longer uses it',
    locks: '-- locks: a table of ten rows',
    unseen: '-- unseen: makes a thing',
  };
  for (const { sql, kinds, says } of refused)
    test(`may not: ${sql}, but for a reason`, async () => {
      const faults = await found(sql);
      assert.equal(faults.length, kinds.length, faults.join('\n'));
      assert.match(faults[0] as string, /^0004_x\.sql:1: .*Instead: .*Or write "-- /);
      assert.match(faults[0] as string, says);
      // The note stands before the statement that it is about.
      const before = sql.startsWith('create function') ? sql.lastIndexOf(';') + 1 : 0;
      const noted = `${sql.slice(0, before)}\n${kinds.map((kind) => answers[kind]).join('\n')}\n${sql.slice(before)}`;
      assert.deepEqual(await found(noted), []);
      const lacking = `${sql.slice(0, before)}\n${kinds
        .slice(1)
        .map((kind) => answers[kind])
        .join('\n')}\n${sql.slice(before)}`;
      assert.equal((await found(lacking)).length, 1);
    });

  test('names a release that is made, and says what it no longer does', async () => {
    const drop = (note: string) => found(`${note}\ndrop table records.records`);
    assert.match((await drop('-- contract: 0.10.0 no longer uses it'))[0] as string, /names 0\.10\.0, and this is 0\.4\.0/);
    assert.match((await drop('-- contract: 0.3.0'))[0] as string, /with the first release/);
    assert.match((await drop('-- contract: nobody uses it'))[0] as string, /with the first release/);
    assert.equal((await found('-- contract: 0.3.0 no longer uses it\nselect 1;\ndrop table records.records')).length, 2);
  });

  test('sets not null without reading the table, where an earlier one has validated the same as a CHECK', async () => {
    const add = '-- contract: 0.3.0 writes no null\nalter table records.records add constraint c check (notes is not null) not valid;';
    const validate = 'alter table records.records validate constraint c;';
    const set = '-- contract: 0.3.0 writes no null\nalter table records.records alter column notes set not null;';
    assert.deepEqual(await found(add, validate, set), []);
    assert.match((await found(add, set))[0] as string, /0005_x\.sql:2: every row .* is read under a lock/);
    assert.match((await found(add + validate))[0] as string, /validated under the lock/);
  });

  test('runs without a transaction only where it can be split into its statements', async () => {
    assert.match(
      (await found('create index concurrently i on records.records (id)'))[0] as string,
      /Begin the file with "-- without transaction"/,
    );
    const two = 'create index concurrently if not exists i on records.records (id); create index concurrently j on records.records (id);\n';
    assert.match((await found(`-- without transaction\n${two}`))[0] as string, /end each statement/);
  });

  test('that PostgreSQL would not parse is told with its line', async () => {
    assert.match((await found('select 1;\ncreate tabel x ()'))[0] as string, /^0004_x\.sql:2: syntax error at or near "tabel"/);
  });
});

test('every migration of this project leaves the release before alone', async () => {
  const { version } = JSON.parse(
    await (await import('node:fs/promises')).readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  assert.deepEqual(await checkMigrations(readMigrations(), version), []);
});
