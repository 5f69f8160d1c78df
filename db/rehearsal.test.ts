import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { bootstrap } from '../scripts/db/bootstrap.ts';
import { migrate, migrationStatus } from '../scripts/db/migrate.ts';
import { readMigrations } from '../scripts/db/migrations.ts';
import { startTestServers, type TestServers } from '../scripts/db/test-servers.ts';
import type { Report } from './rehearsal/old-release.ts';
import { checkOut, releaseBefore } from './rehearsal/release-before.ts';

// A deploy applies the migrations first, and the release before serves every call until the new functions are there. So that release runs
// here, from its own sources, on a database of its own making, while each migration since then is applied to it: no call may fail.

const commit = releaseBefore();
const skip = commit === undefined && 'this checkout does not hold its history (no git, or a shallow clone): there is no release before';
const records = 20_000;
/** Of a migration that rewrites that many rows. Calls wait for it and are served; their budget is 5 to 10 s. */
const waitMaxMs = 5_000;

describe('while a migration is applied, the release before serves every call', { skip, timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-rehearsal-'));
  chmodSync(folder, 0o755);
  let servers: TestServers;
  let old: ChildProcess;
  let url: string;
  let superuserUrl: string;

  before(async () => {
    checkOut(commit as string, folder);
    servers = await startTestServers();
    old = fork(new URL('rehearsal/old-release.ts', import.meta.url), [folder], {
      env: { ...process.env, ...servers.environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [{ database }] = (await once(old, 'message')) as [{ database: string }];
    const direct = new URL(servers.postgresUrl);
    direct.pathname = `/${database}`;
    superuserUrl = direct.href;
    const sql = postgres(superuserUrl, { max: 1, fetch_types: false, onnotice: () => {} });
    // So that rows written anew and indexes built take their time.
    await sql`insert into records.records (id, user_id, artist, name, notes)
      select gen_random_uuid(), gen_random_uuid(), 'Artist ' || n % 500, 'Name ' || n, repeat('note ', 20) from generate_series(1, ${records}::int) n`;
    await sql.end();
    direct.username = 'record_migrator';
    direct.password = servers.passwords.record_migrator;
    url = direct.href;
  });
  after(async () => {
    if (old?.exitCode === null && old.signalCode === null) {
      old.kill('SIGKILL');
      await once(old, 'exit');
    }
    await servers?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function report(question: 'report' | 'stop' = 'report'): Promise<Report> {
    old.send(question);
    const [answer] = (await once(old, 'message')) as [Report];
    return answer;
  }

  test('one by one, and after all of them', async (t) => {
    await sleep(1_000);
    const quiet = await report();
    assert.ok(quiet.calls > 20, `it works before: ${quiet.calls} calls`);
    assert.deepEqual(quiet.failures, [], 'it works before');
    // As a deploy does: what only a superuser can, first.
    await bootstrap({ url: superuserUrl, passwords: servers.passwords, connectionsMax: 250 });
    const { pending } = await migrationStatus(url);
    const all = readMigrations();
    for (const { name, version } of pending) {
      const began = performance.now();
      await migrate({ url, migrations: all.filter((migration) => migration.version <= version) });
      const took = performance.now() - began;
      await sleep(500);
      const { calls, failures, slowestMs, slowest } = await report();
      t.diagnostic(
        `${name}: applied in ${took.toFixed(0)} ms; ${calls} calls, ${failures.length} failed, the slowest ${slowestMs.toFixed(0)} ms (${slowest})`,
      );
      assert.deepEqual([...new Set(failures)].slice(0, 5), [], `${name}: calls of the release before fail`);
      assert.ok(slowestMs < waitMaxMs, `${name}: ${slowest} waited ${slowestMs.toFixed(0)} ms`);
    }
    await sleep(1_000);
    const { calls, failures } = await report();
    assert.ok(calls > 20, `it works after: ${calls} calls`);
    assert.deepEqual(failures, []);
  });

  test('a migration that the release before does not live through is seen here', async () => {
    const broken = 'drop function records.get_record(uuid, uuid, uuid)';
    await migrate({ url, migrations: [...readMigrations(), { version: 9001, name: '9001_broken.sql', sql: broken, checksum: '' }] });
    await sleep(500);
    const { failures } = await report('stop');
    assert.ok(failures.some((failure) => failure.startsWith('get: ')));
  });
});
