import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Remedy } from '../tools/install.ts';
import { accepts, endLeftovers, freePort, type PartOptions, startPart } from './part.ts';
import { isRunning, portOwner, startTicks } from './proc.ts';
import { supervise } from './supervise.ts';

describe('a part of the stack', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-part-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A small program that listens, as a part. */
  async function listener(name: string, more: Partial<PartOptions> = {}): Promise<PartOptions> {
    const port = await freePort();
    const script = `require('node:net').createServer().listen(${port}, '127.0.0.1'); process.on('SIGTERM', () => process.exit(0));`;
    const command = [process.execPath, '-e', script];
    const ready = () => accepts(port);
    const rest = {
      environment: {},
      folder,
      port,
      portSetting: 'SOME_PORT',
      stopSignal: 'SIGTERM',
      stopWithinMs: 2000,
      readyWithinMs: 5000,
    } as const;
    return { name, command, ready, ...rest, ...more };
  }
  const until = async (what: () => boolean): Promise<void> => {
    for (let waited = 0; !what(); waited += 20) {
      assert.ok(waited < 10_000, 'it did not happen within 10 s');
      await sleep(20);
    }
  };

  test('is running when it is started, and gone when it is stopped', async () => {
    const part = await startPart(await listener('plain'));
    assert.equal(portOwner(part.port)?.pid, part.pid);
    await Promise.all([part.stop(), part.stop()]);
    assert.equal(isRunning(part.pid), false);
    assert.equal(await part.ended, 'exit 0');
    assert.equal(portOwner(part.port), undefined);
  });

  test('that ignores its stop signal is killed', async () => {
    const options = await listener('stubborn', { stopWithinMs: 200 });
    const deaf = options.command.at(-1)?.replace('process.exit(0)', '{}') ?? '';
    const part = await startPart({ ...options, command: [process.execPath, '-e', deaf] });
    await part.stop();
    assert.equal(await part.ended, 'SIGKILL');
  });

  test('that ends at once is refused with what it said last', async () => {
    const options = await listener('broken', { command: [process.execPath, '-e', 'console.error("no such setting: x"); process.exit(3)'] });
    await assert.rejects(
      startPart(options),
      (error) => error instanceof Remedy && /broken did not start \(exit 3\)[\s\S]*no such setting: x/.test(error.message),
    );
  });

  test('whose program is missing is refused', async () => {
    await assert.rejects(startPart(await listener('absent', { command: ['/no/such/program'] })), /absent did not start/);
  });

  test('that is not ready in time is refused and ended', async () => {
    const options = await listener('slow', { ready: async () => false, readyWithinMs: 300 });
    await assert.rejects(startPart(options), /slow was not ready within 0.3 s/);
    assert.equal(portOwner(options.port), undefined);
  });

  test('whose port is taken is refused with the owner’s pid and program, and the setting that helps', async () => {
    const options = await listener('unlucky');
    const server: Server = createServer().listen(options.port, '127.0.0.1');
    await once(server, 'listening');
    try {
      await assert.rejects(
        startPart(options),
        (error: Error) =>
          error.message.includes(`Port ${options.port} is taken by process ${process.pid} (${process.execPath}`) &&
          /SOME_PORT=\d+ npm start/.test(error.message),
      );
    } finally {
      server.close();
    }
  });

  test('ends when its parent is killed', async () => {
    const options = await listener('orphan');
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module-typescript',
        '-e',
        `const { startPart, accepts } = await import('${new URL('part.ts', import.meta.url)}');
         const options = JSON.parse(process.env.OPTIONS);
         const part = await startPart({ ...options, ready: () => accepts(options.port) });
         process.stdout.write(String(part.pid));
         setInterval(() => {}, 1000);`,
      ],
      { env: { ...process.env, OPTIONS: JSON.stringify(options) }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [pid] = await once(parent.stdout, 'data');
    assert.equal(isRunning(Number(pid)), true);
    parent.kill('SIGKILL');
    await until(() => !isRunning(Number(pid)));
  });

  test('that a crash left running is ended by the next start, and nothing else is', async () => {
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      await sleep(100);
      mkdirSync(join(folder, 'run'), { recursive: true });
      const record = (name: string, content: object) => writeFileSync(join(folder, 'run', `${name}.json`), JSON.stringify(content));
      record('left', { pid: left.pid, startTicks: startTicks(left.pid ?? 0), signal: 'SIGTERM' });
      // The pid has been given to another process since.
      record('reused', { pid: other.pid, startTicks: '1', signal: 'SIGTERM' });
      await endLeftovers(folder);
      assert.equal(isRunning(left.pid ?? 0), false);
      assert.equal(isRunning(other.pid ?? 0), true);
    } finally {
      left.kill('SIGKILL');
      other.kill('SIGKILL');
    }
  });

  test('that dies is started again on its port, until it is stopped', async () => {
    const options = await listener('phoenix');
    const said: string[] = [];
    const supervised = await supervise(
      () => startPart(options),
      (line) => said.push(line),
    );
    const first = supervised.part.pid;
    process.kill(first, 'SIGKILL');
    await until(() => supervised.part.pid !== first);
    const second = supervised.part.pid;
    assert.equal(portOwner(options.port)?.pid, second);
    assert.match(said.join('\n'), new RegExp(`phoenix \\(pid ${first}\\) ended: SIGKILL.*\\nphoenix runs again \\(pid ${second}\\)`));
    await supervised.stop();
    await sleep(300);
    assert.equal(portOwner(options.port), undefined);
    assert.equal(supervised.part.pid, second);
  });

  test('keeps what it said before it died in its log', async () => {
    const options = await listener('talker');
    const command = [process.execPath, '-e', `console.log('hello'); ${options.command.at(-1)}`];
    for (let life = 0; life < 2; life += 1) await (await startPart({ ...options, command })).stop();
    assert.equal(readFileSync(join(folder, 'log/talker.log'), 'utf8'), 'hello\nhello\n');
  });
});
