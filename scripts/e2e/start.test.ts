import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { freePort } from '../stack/part.ts';
import { isRunning, portOwner } from '../stack/proc.ts';
import {
  assertNothingRuns,
  cleanUp,
  environmentOf,
  freePlace,
  processesOf,
  runStart,
  type StartProcess,
  startStackProcess,
  watched,
} from './stack.ts';

const setup = join(import.meta.dirname, '../setup.mjs');

describe('npm start', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-start-'));
  chmodSync(folder, 0o755);
  let environment: NodeJS.ProcessEnv;
  let ports: number[];
  let child: ChildProcess;
  let said: string;

  before(async () => {
    const [edge = 0, postgres = 0, pgbouncer = 0] = await Promise.all([freePort(), freePort(), freePort()]);
    const functions = 22_000 + 40 * (process.pid % 250);
    ports = [edge, postgres, pgbouncer, ...rpcs.map((_, index) => functions + index)];
    environment = {
      ...process.env,
      RECORD_PLATFORM_STATE: folder,
      RECORD_PLATFORM_EDGE_PORT: String(edge),
      RECORD_PLATFORM_POSTGRES_PORT: String(postgres),
      RECORD_PLATFORM_PGBOUNCER_PORT: String(pgbouncer),
      RECORD_PLATFORM_FUNCTIONS_PORT: String(functions),
    };
  });
  after(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs it until it is ready. @returns seconds */
  async function start(): Promise<number> {
    const began = performance.now();
    said = '';
    // The machine's own Node begins, as it would for npm.
    child = spawn('node', [setup, 'start'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    let errors = '';
    child.stderr?.on('data', (chunk) => {
      errors += chunk;
    });
    while (!said.includes('Ctrl-C ends everything.')) {
      assert.equal(child.exitCode, null, errors);
      await sleep(20);
    }
    return (performance.now() - began) / 1000;
  }
  const partPids = (): number[] =>
    readdirSync(join(folder, 'run')).map((name) => JSON.parse(readFileSync(join(folder, 'run', name), 'utf8')).pid);
  const listening = (): number[] => ports.filter((port) => portOwner(port) !== undefined);
  const paste = (pattern: RegExp): string => {
    const line = said.split('\n').find((each) => pattern.test(each));
    assert.ok(line, `a line like ${pattern}`);
    return line;
  };

  test('gets ready, with one line for each part and its address', async (t) => {
    t.diagnostic(`first: ${(await start()).toFixed(1)} s, bundles perhaps built, database made`);
    for (const name of ['postgres', 'pgbouncer', 'caddy', ...rpcs.map(({ functionName }) => functionName)])
      assert.match(said, new RegExp(`^${name} +(https?://)?[a-z0-9.]+:\\d+$`, 'm'));
    assert.deepEqual(listening(), ports);
  });

  test('prints lines that work when they are pasted, with the root trusted', () => {
    const shell = (line: string) => execFileSync('sh', ['-c', `${line} -sS -w '\n%{http_version} %{http_code}'`], { encoding: 'utf8' });
    assert.match(shell(paste(/--http2/)), /"token".*\n2 201$/);
    assert.match(shell(paste(/--http3-only/)), /"token".*\n3 200$/);
  });

  test('refuses to run twice on one state, and says who runs', () => {
    const second = spawnSync('node', [setup, 'start'], { env: environment, encoding: 'utf8' });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /already runs on .*: process \d+/);
  });

  test('ends everything on Ctrl-C, with exit 0', async () => {
    const pids = partPids();
    assert.equal(pids.length, rpcs.length + 3);
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.deepEqual(pids.filter(isRunning), []);
    assert.deepEqual(listening(), []);
    await assertNothingRuns(folder);
    assert.deepEqual(readdirSync(join(folder, 'run')), []);
  });

  test('is ready within 15 s when everything is there, and the account is still there', async (t) => {
    const seconds = await start();
    t.diagnostic(`warm: ${seconds.toFixed(1)} s`);
    assert.ok(seconds < 15);
    const login = execFileSync('sh', ['-c', `${paste(/--http3-only/)} -sS -w '\n%{http_code}'`], { encoding: 'utf8' });
    assert.match(login, /\n200$/);
  });

  test('leaves nothing running when it is killed, and starts again after that', async () => {
    const pids = partPids();
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (let waited = 0; pids.some(isRunning); waited += 50) {
      assert.ok(waited < 15_000, `still running: ${pids.filter(isRunning)}`);
      await sleep(50);
    }
    assert.deepEqual(listening(), []);
    await start();
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('says what is wrong with its arguments and settings, with exit 2', () => {
    for (const [argument, setting, words] of [
      ['--hots', '8443', /Unknown option '--hots'/],
      ['--hosts', 'x', /RECORD_PLATFORM_EDGE_PORT must be/],
    ] as const) {
      const { status, stderr } = spawnSync('node', [setup, 'start', '--', argument], {
        env: { ...environment, RECORD_PLATFORM_EDGE_PORT: setting },
        encoding: 'utf8',
      });
      assert.equal(status, 2);
      assert.match(stderr, words);
    }
  });
});

describe('npm start, where things go wrong', { timeout: 240_000 }, () => {
  const place = freePlace();
  let start: StartProcess | undefined;
  after(() => cleanUp(place, start));

  test('tells its settings and exit codes on --help, on stdout, and starts nothing', async () => {
    start = runStart(place, ['--help']);
    assert.equal(await start.ended(20_000), 0);
    for (const word of [
      '--hosts',
      'RECORD_PLATFORM_STATE',
      'RECORD_PLATFORM_EDGE_PORT',
      'Exit codes: 0 ended as asked, 1 failed, 2 wrong usage',
    ])
      assert.ok(start.stdout.includes(word), word);
    assert.equal(start.stderr, '');
    await assertNothingRuns(place.folder);
  });

  for (const [setting, port] of [
    ['RECORD_PLATFORM_EDGE_PORT', place.edgePort],
    ['RECORD_PLATFORM_POSTGRES_PORT', place.postgresPort],
    ['RECORD_PLATFORM_PGBOUNCER_PORT', place.pgbouncerPort],
    ['RECORD_PLATFORM_FUNCTIONS_PORT', place.functionsPort],
  ] as const) {
    test(`names who holds a port that it needs (${setting}), with exit 1 and nothing left`, async () => {
      const holder = createServer().listen(port, '127.0.0.1');
      await once(holder, 'listening');
      start = runStart(place);
      assert.equal(await start.ended(30_000), 1);
      assert.match(start.stderr, new RegExp(`^Port ${port} is taken by process ${process.pid} \\(.*\\)\\.$`, 'm'));
      assert.ok(start.stderr.includes(`${setting}=`), start.stderr);
      await assertNothingRuns(place.folder);
      holder.close();
    });
  }

  test('ends what it has begun when Ctrl-C comes while it starts', async () => {
    for (const part of ['postgres', 'pgbouncer']) {
      start = runStart(place);
      await start.said(new RegExp(`^${part} `, 'm'), 60_000);
      start.signal('SIGINT');
      assert.equal(await start.ended(60_000), 0, start.stderr);
      await assertNothingRuns(place.folder, 5000);
    }
  });

  for (const [name, end] of [
    ['Ctrl-C on the terminal', (pid: number) => process.kill(-pid, 'SIGINT')],
    // npm hands it on to its child: a shell in between would die of it and leave everything running.
    ['SIGTERM to npm alone', (pid: number) => process.kill(pid, 'SIGTERM')],
  ] as const) {
    test(`under npm ends everything on ${name}, with exit 0`, async () => {
      const npm = watched(spawn('npm', ['start'], { env: environmentOf(place), stdio: ['ignore', 'pipe', 'pipe'], detached: true }));
      start = npm;
      await npm.said(/^Ctrl-C ends everything\.$/m, 120_000);
      end(npm.pid);
      assert.equal(await npm.ended(60_000), 0, npm.stderr);
      await assertNothingRuns(place.folder);
    });
  }

  test('starts again at once where the one before was killed, and ends what that one left', async (t) => {
    const first = await startStackProcess(place);
    start = first.start;
    assert.ok(processesOf(place.folder).length > rpcs.length + 3);
    start.signal('SIGKILL');
    assert.equal(await start.ended(10_000), 'SIGKILL');
    const second = await startStackProcess(place);
    start = second.start;
    t.diagnostic(`ready ${second.readySeconds.toFixed(1)} s after the kill`);
    assert.ok(second.readySeconds < 30);
    await second.stop();
  });
});
