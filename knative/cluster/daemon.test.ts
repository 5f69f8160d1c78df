import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isRunning } from '../../scripts/stack/proc.ts';
import { type Daemon, end, ensureDaemon, isCurrent, kill, markedProcesses, runningPid, stopDaemon } from './daemon.ts';

describe('a part of the cluster', { timeout: 60_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'record-platform-daemon-'));
  const stateBefore = process.env.RECORD_PLATFORM_STATE;
  before(() => {
    process.env.RECORD_PLATFORM_STATE = base;
  });
  after(async () => {
    await end(markedProcesses());
    if (stateBefore === undefined) delete process.env.RECORD_PLATFORM_STATE;
    else process.env.RECORD_PLATFORM_STATE = stateBefore;
    rmSync(base, { recursive: true, force: true });
  });
  const daemon = (name: string, more: Partial<Daemon> = {}): Daemon => ({
    name,
    command: ['sleep', '600'],
    ready: async () => true,
    readyWithinMs: 2000,
    ...more,
  });

  test('is started once, and again when it has died or its configuration is another', async () => {
    const one = daemon('one');
    assert.equal(await ensureDaemon(one), true);
    const first = runningPid('one') ?? 0;
    assert.equal(await ensureDaemon(one), false);
    assert.equal(runningPid('one'), first);
    kill(first, 'SIGKILL');
    while (isRunning(first)) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(isCurrent(one), false);
    assert.equal(await ensureDaemon(one), true);
    const other = daemon('one', { files: { [join(base, 'conf/one.conf')]: 'a = 1\n' } });
    const second = runningPid('one') ?? 0;
    assert.equal(isCurrent(other), false);
    assert.equal(await ensureDaemon(other), true);
    assert.equal(isRunning(second), false);
    assert.equal(readFileSync(join(base, 'conf/one.conf'), 'utf8'), 'a = 1\n');
    await stopDaemon('one');
    assert.deepEqual(markedProcesses(), []);
  });

  test('that a crash left without a record is known by its environment and ended', async () => {
    await ensureDaemon(daemon('two'));
    const left = runningPid('two') ?? 0;
    writeFileSync(join(base, 'cluster/run/two.json'), '{"pid":');
    assert.equal(runningPid('two'), undefined);
    assert.deepEqual(markedProcesses(), [left]);
    await ensureDaemon(daemon('two'));
    assert.equal(isRunning(left), false);
    await stopDaemon('two');
  });

  test('that ends at once, or is never ready, says so with the end of its log', async () => {
    const broken = daemon('three', { command: ['sh', '-c', 'echo no such flag; exit 3'], ready: async () => false });
    await assert.rejects(ensureDaemon(broken), /three did not start \(exit 3\)[\s\S]*no such flag/);
    await assert.rejects(
      ensureDaemon(daemon('four', { ready: async () => false, readyWithinMs: 200 })),
      /four was not ready within 0\.2 s/,
    );
    await assert.rejects(ensureDaemon(daemon('five', { command: ['/no/such/program'], ready: async () => false })), /five did not start/);
    await stopDaemon('four');
  });
});
