import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { scramVerifier } from '../db/scram.ts';
import { databaseAccount } from './account.ts';
import { freePort } from './part.ts';
import { type PgBouncer, startPgBouncer } from './pgbouncer.ts';
import { type Postgres, startPostgres } from './postgres.ts';

describe('PostgreSQL behind PgBouncer', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-database-'));
  chmodSync(folder, 0o755);
  let server: Postgres;
  let bouncer: PgBouncer;
  const verifier = scramVerifier('right');

  before(async () => {
    server = await startPostgres({ folder, password: 'pass/word', settings: { fsync: 'off' } });
    const sql = postgres(server.url, { max: 1 });
    await sql.unsafe(`create role app login password '${verifier}'; create role late login password '${verifier}'`).simple();
    await sql.end();
    bouncer = await startPgBouncer({ folder, postgresPort: server.port, users: { app: verifier } });
  });
  after(async () => {
    await bouncer?.stop();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(
    user: string,
    password: string,
    statement = 'select current_user::text as answer',
    port = bouncer.port,
  ): Promise<string> {
    const sql = postgres({ host: '127.0.0.1', port, user, password, database: 'postgres', max: 1, onnotice: () => {} });
    try {
      return String((await sql.unsafe(statement))[0]?.answer);
    } catch (error) {
      return (error as Error).message;
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  test('who knows the password comes in, others do not, and the superuser does not go through PgBouncer at all', async () => {
    assert.equal(await ask('app', 'right'), 'app');
    assert.match(await ask('app', 'wrong'), /authentication failed/);
    assert.match(await ask('postgres', 'pass/word'), /authentication failed/);
    assert.match(await ask('late', 'right'), /authentication failed/);
  });

  test('nobody comes in to PostgreSQL without a password', async () => {
    assert.match(await ask('postgres', 'wrong', 'select 1', server.port), /password authentication failed/);
  });

  test('a user that is added comes in without a restart', async () => {
    const { pid } = bouncer;
    bouncer.setUsers({ app: verifier, late: verifier });
    let answer = '';
    for (let tries = 0; answer !== 'late' && tries < 50; tries += 1) answer = await ask('late', 'right');
    assert.equal(answer, 'late');
    assert.equal(bouncer.pid, pid);
  });

  test('the committed settings are in force', async () => {
    const sql = postgres(server.url, { max: 1 });
    const [row] = await sql`select current_setting('max_connections') as connections, current_setting('jit') as jit,
      current_setting('data_checksums') as checksums, current_setting('password_encryption') as passwords, current_setting('fsync') as fsync,
      (select datlocprovider::text || datlocale from pg_database where datname = 'template1') as locale`;
    await sql.end();
    assert.deepEqual(
      { ...row },
      { connections: '100', jit: 'off', checksums: 'on', passwords: 'scram-sha-256', fsync: 'off', locale: 'bC.UTF-8' },
    );
  });

  test('prepared statements work through transaction pooling', async () => {
    const sql = postgres({ host: '127.0.0.1', port: bouncer.port, user: 'app', password: 'right', database: 'postgres', max: 4 });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => sql`select ${n}::int + 1 as n`));
    await sql.end();
    assert.deepEqual(
      answers.map(([row]) => row?.n),
      Array.from({ length: 40 }, (_, n) => n + 1),
    );
  });

  test('root runs neither of them as root', { skip: process.getuid?.() !== 0 }, async () => {
    const { statSync } = await import('node:fs');
    for (const { pid } of [server, bouncer]) assert.equal(statSync(`/proc/${pid}`).uid, databaseAccount()?.uid);
  });

  test('after a kill it starts on the same data, also when its old pid belongs to another program now', async () => {
    const port = await freePort();
    const own = mkdtempSync(join(tmpdir(), 'record-platform-killed-'));
    chmodSync(own, 0o755);
    try {
      const first = await startPostgres({ folder: own, port, password: 'p' });
      const sql = postgres(first.url, { max: 1 });
      await sql`create table kept as select 42 as answer`;
      await sql.end();
      process.kill(first.pid, 'SIGKILL');
      await first.ended;
      const second = await startPostgres({ folder: own, port, password: 'p' });
      assert.equal(await ask('postgres', 'p', 'select answer from kept', port), '42');
      await second.stop();
      writeFileSync(join(own, 'postgres/postmaster.pid'), `${process.pid}\n`);
      const third = await startPostgres({ folder: own, port, password: 'p' });
      assert.equal(await ask('postgres', 'p', 'select answer from kept', port), '42');
      await third.stop();
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });

  test('the wrong password for its data is said at once', async () => {
    const own = mkdtempSync(join(tmpdir(), 'record-platform-password-'));
    chmodSync(own, 0o755);
    try {
      await (await startPostgres({ folder: own, password: 'p' })).stop();
      await assert.rejects(startPostgres({ folder: own, password: 'q' }), /refuses the password that the state folder holds/);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});
