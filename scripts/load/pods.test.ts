import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../stack/proc.ts';
import { type PodsSample, readLine, watchPods } from './pods.ts';

test('a line of the watch is a function, its deployment, and two numbers; none ready is written as nothing', () => {
  const deployment = 'records-get-record-00002-deployment';
  assert.deepEqual(readLine(`records-get-record ${deployment} 3 2`), {
    functionName: 'records-get-record',
    deployment,
    desired: 3,
    ready: 2,
  });
  assert.equal(readLine(`records-get-record ${deployment} 1 `)?.ready, 0);
  assert.equal(readLine('error: the server could not find the requested resource'), undefined);
});

describe('the watch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-pods-'));
  const before = { KUBECONFIG: process.env.KUBECONFIG, PATH: process.env.PATH };
  after(() => {
    Object.assign(process.env, before);
    if (before.KUBECONFIG === undefined) delete process.env.KUBECONFIG;
    rmSync(folder, { recursive: true });
  });

  test('adds a function’s revisions up, tells each change once, and leaves nothing running', { timeout: 20_000 }, async () => {
    // kubectl as it speaks: a list ends, a watch goes on.
    writeFileSync(
      join(folder, 'kubectl'),
      `#!/bin/sh
case "$*" in
  *--watch*) echo $$ > ${folder}/pid
    echo "a a-1 1 1"; echo "a a-2 2 "; echo "a a-2 2 "; echo "a a-2 2 2"; echo "a a-1 0 "; exec sleep 60;;
  *) echo "a a-1 1 1"; echo "b b-1 0 ";;
esac
`,
    );
    chmodSync(join(folder, 'kubectl'), 0o755);
    writeFileSync(join(folder, 'config'), '');
    process.env.KUBECONFIG = join(folder, 'config');
    process.env.PATH = `${folder}:${before.PATH}`;
    const seen: PodsSample[] = [];
    const watch = await watchPods((sample) => seen.push(sample));
    for (let waited = 0; seen.length < 5 && waited < 10_000; waited += 20) await sleep(20);
    assert.deepEqual(
      seen.map(({ functionName, desired, ready }) => [functionName, desired, ready]),
      [
        ['a', 1, 1],
        ['b', 0, 0],
        ['a', 3, 1],
        ['a', 3, 3],
        ['a', 2, 2],
      ],
    );
    assert.deepEqual(watch?.now.get('a'), { desired: 2, ready: 2 });
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    watch?.stop();
    for (let waited = 0; isRunning(pid) && waited < 5000; waited += 20) await sleep(20);
    assert.equal(isRunning(pid), false);
  });

  test('is none where there is no cluster, and where it does not answer', async () => {
    process.env.KUBECONFIG = join(folder, 'nowhere');
    assert.equal(existsSync(process.env.KUBECONFIG), false);
    assert.equal(await watchPods(() => {}), undefined);
    writeFileSync(join(folder, 'kubectl'), '#!/bin/sh\nexit 1\n');
    process.env.KUBECONFIG = join(folder, 'config');
    assert.equal(await watchPods(() => {}), undefined);
  });
});
