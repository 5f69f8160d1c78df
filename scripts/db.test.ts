import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type TestDatabase, testDatabase } from '../functions/testing/database.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});

async function db(args: readonly string[], environment: Record<string, string> = { MIGRATOR_DATABASE_URL: database.direct.migratorUrl }) {
  const program = fileURLToPath(new URL('db.ts', import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

test('status and migrate say what the database has', async () => {
  const status = await db(['status']);
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /^0001_roles_and_schemas\.sql {2}applied \d{4}-/);
  assert.deepEqual(await db(['migrate']), { code: 0, stdout: 'The database has every migration.\n', stderr: '' });
});

test('psql is record_owner and takes arguments', async () => {
  const { code, stdout, stderr } = await db([
    'psql',
    '--',
    '--no-psqlrc',
    '--tuples-only',
    '--no-align',
    '--command',
    'select current_user',
  ]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'record_owner\n', stderr: '' });
});

test('help is on stdout, wrong usage is exit code 2 with the help on stderr', async () => {
  const help = await db(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /npm run db -- <command>/);
  for (const args of [[], ['seeds'], ['migrate', 'more'], ['--wrong'], ['psql', '--role', 'nobody'], ['psql', '--role', 'record_app']]) {
    const { code, stdout, stderr } = await db(args);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.match(stderr, /npm run db -- <command>/);
  }
});

test('a database that is not there is named with the remedy, without a stack', async () => {
  const { code, stderr } = await db(['status'], { MIGRATOR_DATABASE_URL: 'postgres://record_migrator:x@127.0.0.1:1/nothing' });
  assert.equal(code, 1);
  assert.match(stderr, /is the local stack up \(npm start\)\?/);
  assert.doesNotMatch(stderr, /\n\s+at /);
});
