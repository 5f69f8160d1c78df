import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { type Postgres, startPostgres } from '../../stack/postgres.ts';
import { claimState, stackSecrets, stackSettings } from '../../stack/state.ts';
import { checkBackups, makeBackup, readArchiver } from './backup.ts';
import { listBackups } from './backups.ts';
import { archiveSettings, type Place, placeOf, prepare, turnOff } from './place.ts';
import { planRestore, restore } from './restore.ts';

const say = (): void => {};

/** What clients wrote and were told, while it goes on. */
interface Ledger {
  readonly acknowledged: number[];
  /** The next id to be written: those from here on have not begun. */
  next: number;
}

describe('a database with backups', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-backup-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'postgres');
  // As npm start makes them.
  const secrets = stackSecrets({ folder });
  const password = secrets.postgres;
  let place: Place;
  let server: Postgres;
  let sql: postgres.Sql;

  async function start(): Promise<void> {
    server = await startPostgres({
      folder,
      port: server?.port,
      password,
      settings: archiveSettings(place),
    });
    sql = postgres(server.url, { max: 6, fetch_types: false, onnotice: () => {} });
  }
  async function stop(): Promise<void> {
    await sql.end({ timeout: 1 });
    await server.stop();
  }
  const now = async (): Promise<Date> => (await sql`select clock_timestamp() as now`)[0]?.now;
  const ids = async (): Promise<number[]> => (await sql`select id from ledger order by id`).map(({ id }) => id);

  /** Four write at once, each row its own transaction, for a while. */
  async function write(from: number, milliseconds: number, ledger: Ledger = { acknowledged: [], next: from }): Promise<number[]> {
    const until = performance.now() + milliseconds;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (performance.now() < until) {
          const id = ledger.next++;
          await sql`insert into ledger (id, note) values (${id}, ${`row ${id} `.repeat(20)})`;
          ledger.acknowledged.push(id);
        }
      }),
    );
    return ledger.acknowledged.sort((one, other) => one - other);
  }
  /** The archive is a segment behind; the disk takes what hasn't left it. */
  async function archived(): Promise<void> {
    // Something to switch for: who has written nothing since the last switch wakes nobody.
    await sql`select pg_logical_emit_message(true, 'test', '')`;
    const [row] = await sql`select pg_walfile_name(pg_switch_wal()) as wal`;
    for (let waited = 0; waited < 20_000; waited += 50) {
      const [archiver] = await sql`select last_archived_wal >= ${row?.wal} as done from pg_catalog.pg_stat_archiver`;
      if (archiver?.done) return;
      await sleep(50);
    }
    assert.fail('the segment does not arrive');
  }

  const environment = () => ({ ...process.env, RECORD_PLATFORM_STATE: folder, RECORD_PLATFORM_POSTGRES_PORT: String(server.port) });
  /** `npm run db -- …` */
  async function db(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const program = fileURLToPath(new URL('../../db.ts', import.meta.url));
    const child = promisify(execFile)(process.execPath, [program, ...args], { env: environment() });
    return child.then(({ stdout, stderr }) => ({ code: 0, stdout, stderr })).catch((error) => error);
  }

  before(async () => {
    place = placeOf({ folder });
    await start();
    await prepare(place, server.port, secrets.BACKUP_KEY);
    await sql`create table ledger (id integer primary key, note text not null)`;
  });
  after(async () => {
    await sql?.end({ timeout: 1 });
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('without a backup nothing is archived, and that is said', async () => {
    await write(1, 50);
    await sql`select pg_switch_wal()`;
    assert.match((await checkBackups(place, server.url, { password })).join(), /There is no backup yet/);
    await assert.rejects(planRestore(place, 'latest'), /There is no backup in .*npm run db -- backup makes one/);
    assert.deepEqual(readdirSync(place.repository), []);
  });

  test('the first backup is a full one, the next holds what changed, and they are listed', async () => {
    const first = await makeBackup(place, 'incr', { password });
    assert.equal(first.type, 'full');
    assert.ok(first.databaseBytes > 20_000_000 && first.storedBytes < first.databaseBytes / 4, JSON.stringify(first));
    await write(1_000, 200);
    const second = await makeBackup(place, 'incr', { password });
    assert.equal(second.type, 'incr');
    assert.ok(second.storedBytes < first.storedBytes / 4, JSON.stringify(second));
    assert.deepEqual(
      (await listBackups(place)).map(({ label }) => label),
      [first.label, second.label],
    );
    assert.deepEqual(await checkBackups(place, server.url, { password }), []);
    assert.match((await db('backup', '--list')).stdout, /^\S+F +full {2}ended .* stored\n\S+F_\S+I +incr .* stored\n$/);
    assert.deepEqual(await db('backup', '--check'), { code: 0, stdout: 'The log arrives, and a backup is there.\n', stderr: '' });
  });

  test('wrong usage is told with the help', async () => {
    for (const args of [['backup', '--type', 'half'], ['backup', 'now'], ['restore'], ['restore', '--to']]) {
      const { code, stderr } = await db(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, /npm run db -- (backup|restore) /);
    }
  });

  test('what is kept is sealed: no text of a row, and no archive of it, can be read in the repository', () => {
    const files = globSync('**/*', { cwd: place.repository, withFileTypes: true }).filter((file) => file.isFile());
    assert.ok(files.length > 4);
    for (const file of files) {
      const bytes = readFileSync(join(file.parentPath, file.name));
      // OpenSSL's form, or a bundle of pieces, which begins like no compressed file.
      const bundle = file.parentPath.endsWith('/bundle');
      if (bundle) assert.notEqual(bytes.subarray(0, 4).toString('hex'), '28b52ffd', file.name);
      else assert.equal(bytes.subarray(0, 8).toString(), 'Salted__', join(file.parentPath, file.name));
    }
  });

  test('backups that are too old are a fault', async () => {
    const later = new Date(Date.now() + 9 * 24 * 3_600_000);
    assert.match((await checkBackups(place, server.url, { password }, later)).join(), /The newest backup is of .*replay/);
  });

  let middle: Date;
  test('destroyed, it is put back to a moment in the middle of writing: what was acknowledged until then, and nothing that began after', async (t) => {
    const earlier = await ids();
    const ledger: Ledger = { acknowledged: [], next: 10_000 };
    const writing = write(10_000, 3_000, ledger);
    await sleep(1_500);
    const acknowledged = [...ledger.acknowledged];
    middle = await now();
    const begun = ledger.next;
    const all = await writing;
    await archived();
    assert.ok(acknowledged.length > 100 && all.length - acknowledged.length > 100, `${acknowledged.length} of ${all.length}`);

    await sql.end({ timeout: 0 });
    process.kill(server.pid, 'SIGKILL');
    await server.ended;
    rmSync(data, { recursive: true });
    const plan = await planRestore(place, middle.toISOString());
    assert.equal(plan.aside, undefined);
    let percent = 0;
    const began = performance.now();
    await restore(place, plan, {
      password,
      say,
      onProgress: (seen) => {
        percent = seen;
      },
    });
    const seconds = (performance.now() - began) / 1000;
    assert.equal(percent, 100);
    await start();
    const there = await ids();
    assert.deepEqual(there.slice(0, earlier.length), earlier);
    const written = there.slice(earlier.length);
    const lost = acknowledged.filter((id) => !written.includes(id));
    const tooLate = written.filter((id) => id >= begun);
    assert.deepEqual({ lost, tooLate }, { lost: [], tooLate: [] });
    // Those that were under way at that moment are there or not.
    const underWay = written.length - acknowledged.length;
    assert.ok(underWay <= begun - 10_000 - acknowledged.length);
    t.diagnostic(
      `restored in ${seconds.toFixed(1)} s: ${acknowledged.length} rows of ${all.length} were acknowledged until then and are there, and ${underWay} of those under way`,
    );
  });

  test('it takes writes and is archived again, and can be put back to the time after the restore and to the end', async () => {
    assert.deepEqual(await checkBackups(place, server.url, { password }), []);
    const before = await ids();
    const added = await write(50_000, 300);
    await archived();
    await stop();
    const release = claimState(stackSettings(environment()));
    const refused = await db('restore', '--to', 'latest', '--yes');
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /The local stack already runs on /);
    release();
    const asked = await db('restore', '--to', 'latest');
    assert.equal(asked.code, 1);
    assert.match(
      asked.stderr,
      /is put back to the end of the archive, from .*\nThe data of now moves to .*\nNothing was done. --yes does it\./,
    );
    const done = await db('restore', '--to', 'latest', '--yes');
    assert.equal(done.code, 0, done.stderr);
    const [, aside = ''] = /rm -r '(.*postgres\.before-\d{8}T\d{6})'/.exec(done.stdout) ?? [];
    await start();
    assert.deepEqual(await ids(), [...before, ...added]);
    assert.ok(existsSync(join(aside, 'PG_VERSION')), 'the data of before is there, whole');
    rmSync(aside, { recursive: true });
  });

  test('a time that cannot be reached is refused, and nothing is changed', async () => {
    await stop();
    const control = readFileSync(join(data, 'global/pg_control'));
    const refused = [
      { to: '2020-01-01T00:00:00Z', says: /before the oldest backup, which ended at / },
      { to: '2999-01-01', says: /is no time/ },
      { to: '2999-01-01T00:00:00Z', says: /in the future/ },
      { to: 'yesterday', says: /is no time: "latest", or like/ },
    ];
    for (const { to, says } of refused) await assert.rejects(planRestore(place, to), says);
    const past = await planRestore(place, new Date().toISOString());
    await assert.rejects(
      restore(place, past, { password, say }),
      /The archive ends before that time.*"--to latest".*\nThe data of before is where it was/s,
    );
    assert.ok(!existsSync(join(folder, 'restoring')));
    assert.deepEqual(readFileSync(join(data, 'global/pg_control')), control);
  });

  test('a part of the archive that is missing is a refusal too, and never a database with a hole', async () => {
    await start();
    await makeBackup(place, 'full', { password });
    for (let round = 0; round < 3; round++) {
      await write(60_000 + round * 1_000, 100);
      await archived();
    }
    const moment = await now();
    await write(70_000, 200);
    await archived();
    await stop();
    const segments = globSync('archive/*/*/*/*-*', { cwd: place.repository })
      .filter((name) => !/backup|history/.test(name))
      .sort();
    const gone = join(place.repository, segments.at(-3) as string);
    renameSync(gone, join(folder, 'gone'));
    await assert.rejects(
      restore(place, await planRestore(place, moment.toISOString()), { password, say }),
      /a part of the archive is missing/,
    );
    renameSync(join(folder, 'gone'), gone);
    await restore(place, await planRestore(place, moment.toISOString()), { password, say });
    await start();
    assert.ok(!(await ids()).some((id) => id >= 70_000));
  });

  test('with another key nothing can be read, and that is said', async () => {
    await prepare(place, server.port, 'another key');
    await assert.rejects(listBackups(place), /pgBackRest: /);
    await prepare(place, server.port, secrets.BACKUP_KEY);
  });

  test('an archive that cannot be written is seen: by PostgreSQL, and by the check with the reason', async () => {
    // A push that is under way would make the repository anew.
    await archived();
    const away = `${place.repository}.away`;
    renameSync(place.repository, away);
    await sql`insert into ledger values (99999, 'x')`;
    await sql`select pg_switch_wal()`;
    for (let waited = 0; (await readArchiver(server.url)).failingSince === null && waited < 20_000; waited += 100) await sleep(100);
    const faults = await checkBackups(place, server.url, { password });
    assert.match(faults[0] as string, /Archiving fails since \d{4}-.*segments of 16 MB wait/);
    renameSync(away, place.repository);
    await archived();
    assert.deepEqual(await checkBackups(place, server.url, { password }), []);
  });

  test('data that was made anew begins a history of its own in the same repository', async () => {
    await stop();
    rmSync(data, { recursive: true });
    turnOff(place);
    await start();
    await sql`create table ledger (id integer primary key, note text not null)`;
    assert.match((await checkBackups(place, server.url, { password })).join(), /There is no backup yet/);
    assert.equal((await makeBackup(place, 'incr', { password })).type, 'full');
    assert.deepEqual(await checkBackups(place, server.url, { password }), []);
  });
});
