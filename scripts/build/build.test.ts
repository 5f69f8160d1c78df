import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuthTest, authTest } from '../../functions/auth/testing.ts';
import { build, firstKibMax, folderKibMax, isStale, staleFunctions } from './build.ts';

const root = join(import.meta.dirname, '..', '..');
/** A connection that is done with its answer. */
const closing = { headers: { connection: 'close' } };
/** One that asks the database without a caller, and one with the native addon. */
const names = ['records-health-check', 'auth-authenticate'];
const [health, authenticate] = names as [string, string];

describe('the build', () => {
  let elsewhere: string;
  let auth: AuthTest;
  before(async () => {
    await build({ only: names });
    elsewhere = mkdtempSync(join(tmpdir(), 'bundles-'));
    for (const name of names) cpSync(join(root, 'dist', name), join(elsewhere, name), { recursive: true });
    auth = await authTest();
  });
  after(async () => {
    await auth?.drop();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  test('what has not changed is not built again, also when only times have changed', async () => {
    const entry = join(root, 'dist', health, 'index.js');
    const { mtimeMs } = statSync(entry);
    utimesSync(join(root, 'functions/records/health-check/function.ts'), new Date(), new Date());
    assert.deepEqual(staleFunctions({ only: names }), []);
    const built = await build({ only: names });
    assert.deepEqual(
      built.map(({ name, made }) => [name, made]),
      [
        [authenticate, false],
        [health, false],
      ],
    );
    assert.equal(statSync(entry).mtimeMs, mtimeMs);
  });

  test('a bundle stays within its limits', async () => {
    for (const { name, totalKib, firstKib } of await build({ only: names })) {
      assert.ok(totalKib > 100 && totalKib <= folderKibMax, `${name}: ${totalKib} KiB`);
      assert.ok(firstKib > 10 && firstKib <= firstKibMax, `${name}: ${firstKib} KiB`);
      const onDisk = readdirSync(join(root, 'dist', name)).filter((file) => file.endsWith('.js'));
      const bytes = onDisk.reduce((sum, file) => sum + statSync(join(root, 'dist', name, file)).size, 0);
      assert.ok(Math.abs(bytes / 1024 - totalKib) < 3, 'what is counted is what is there, but for index.js and load.js');
    }
  });

  test('an unknown function is refused with the known ones', async () => {
    await assert.rejects(build({ only: ['records-nothing'] }), /there is no function records-nothing; there are .*records-get-record/);
    assert.throws(() => isStale({ only: ['records-nothing'] }));
  });

  for (const { args, status, says } of [
    { args: ['--help'], status: 0, says: /Exit codes: 0 done, 1 failed, 2 wrong usage/ },
    { args: ['records-nothing'], status: 2, says: /There is no function records-nothing\. There are:\n {2}auth-authenticate/ },
    { args: ['--fast'], status: 2, says: /Unknown option '--fast'/ },
    { args: [health], status: 0, says: /function +KiB in all +KiB first\nrecords-health-check +\d+ +\d+\n/ },
  ])
    test(`npm run build -- ${args.join(' ')} ends with ${status}`, () => {
      const run = spawnSync(process.execPath, [join(root, 'scripts/build.ts'), ...args], { encoding: 'utf8' });
      assert.equal(run.status, status, run.stderr);
      assert.match(status === 0 ? run.stdout : run.stderr, says);
    });

  test('a bundle holds all it needs, in whatever folder it stands', () => {
    for (const name of names) {
      const script = `
        const { load } = require('./load.js');
        for (const file of require('node:fs').readdirSync('.')) if (/\\.js$/.test(file) && !/^(index|load)\\./.test(file)) load('./' + file);
        const outside = Object.keys(require.cache).filter((path) => !path.startsWith(process.cwd()));
        if (outside.length > 0) throw new Error(outside.join());`;
      const { status, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: join(elsewhere, name), env: {}, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    assert.ok(readdirSync(join(elsewhere, authenticate)).some((file) => file.endsWith('.node')));
  });

  test('V8 takes the compiled code of every file, also in another folder', () => {
    const folder = join(elsewhere, health);
    const cached = readdirSync(folder).filter((file) => file.endsWith('.js.cache'));
    assert.ok(cached.length > 4, cached.join());
    const script = `
      const { load, scripts } = require('./load.js');
      for (const file of ${JSON.stringify(cached)}) load('./' + file.slice(0, -'.cache'.length));
      for (const [id, script] of scripts) if (script.cachedDataRejected) console.log(id);
      console.log(scripts.size >= ${cached.length} ? 'all loaded' : 'some not loaded');`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: folder, env: {}, encoding: 'utf8' });
    assert.equal(stdout, 'all loaded\n', stderr);
  });

  test('a bundle without compiled code starts all the same', async () => {
    const folder = join(elsewhere, 'uncached');
    cpSync(join(elsewhere, health), folder, { recursive: true, filter: (path) => !path.endsWith('.cache') });
    assert.ok(!existsSync(join(folder, 'main.js.cache')));
    await whileRunning([join(folder, 'index.js')], async (origin) => {
      assert.equal((await fetch(`${origin}/livez`, closing)).status, 200);
    });
  });

  test('node runs a bundle: it answers, and ends with 0 on SIGTERM', async () => {
    await whileRunning([join(elsewhere, health, 'index.js')], async (origin) => {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      assert.deepEqual(await (await fetch(`${origin}/api/records/healthz`, closing)).json(), { healthy: true, version });
    });
  });

  test('the real functions-framework serves a bundle unchanged', async () => {
    const framework = join(root, 'node_modules/@google-cloud/functions-framework/build/src/main.js');
    const args = [framework, `--source=${join(elsewhere, health)}`, `--target=${health}`];
    const whole = [framework, `--source=${join(elsewhere, authenticate)}`, `--target=${authenticate}`];
    await whileRunning(args, async (origin) => {
      const good = await fetch(`${origin}/api/records/healthz`);
      assert.equal(good.status, 200);
      assert.equal(((await good.json()) as { healthy: boolean }).healthy, true);
      const lost = await fetch(`${origin}/nowhere`);
      assert.equal(lost.status, 404);
      assert.equal(lost.headers.get('content-type'), 'application/problem+json');
      assert.equal(((await lost.json()) as { code: string }).code, 'ROUTE_NOT_FOUND');
    });
    // The framework has read the body before the function sees the request.
    await whileRunning(
      whole,
      async (origin) => {
        const login = (body: string) =>
          fetch(`${origin}/api/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
        const unknown = await login(JSON.stringify({ email: 'nobody@example.com', password: 'correct horse battery' }));
        assert.equal(unknown.status, 401);
        const incomplete = await login('{}');
        assert.equal(incomplete.status, 400);
        assert.deepEqual(
          ((await incomplete.json()) as { errors: { pointer: string }[] }).errors.map(({ pointer }) => pointer),
          ['/email', '/password'],
        );
      },
      auth.environment,
    );
  });

  /** Starts a program on a port of its own, waits until it listens, and sees it end well. */
  async function whileRunning(
    args: string[],
    work: (origin: string) => Promise<void>,
    environment: Record<string, string> = {},
  ): Promise<void> {
    const port = await freePort();
    const child = spawn(process.execPath, args, {
      env: { PORT: String(port), HOST: '127.0.0.1', DATABASE_URL: auth.database.recordUrl, DRAIN_SECONDS: '5', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    const ended = once(child, 'exit');
    try {
      await untilListening(child, port);
      await work(`http://127.0.0.1:${port}`);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    assert.equal(child.exitCode, 0, output);
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  for (const until = Date.now() + 20_000; Date.now() < until && child.exitCode === null; await sleep(20)) {
    try {
      await fetch(`http://127.0.0.1:${port}/livez`, closing);
      return;
    } catch {
      // not yet
    }
  }
  throw new Error(`${child.spawnargs.join(' ')} does not listen`);
}
