import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isRunning } from '../../scripts/stack/proc.ts';
import { kubectlLocal } from './control-plane.ts';
import { kill, markedProcesses } from './daemon.ts';
import { node } from './state.ts';
import type { ClusterStatus } from './status.ts';

const script = join(import.meta.dirname, '../../scripts/cluster.ts');
const cluster = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args]);
const status = async (): Promise<ClusterStatus> => JSON.parse((await cluster('status', '-o', 'json')).stdout);

describe('npm run cluster -- up', { timeout: 300_000 }, () => {
  before(() => cluster('up'));

  test('leaves a running cluster as it is, and says so in under 5 s', async () => {
    const { parts } = await status();
    const began = performance.now();
    const { stdout } = await cluster('up');
    const seconds = (performance.now() - began) / 1000;
    assert.match(stdout, /^The cluster is up already/);
    assert.match(stdout, /export KUBECONFIG=\/\S+\n/);
    assert.ok(seconds < 5, `${seconds} s`);
    assert.deepEqual((await status()).parts, parts);
  });

  test('starts again what was killed; the pods live on', async () => {
    const restarts = () => kubectlLocal('get', 'pods', '-n', 'knative-serving', '-o', 'jsonpath={..restartCount} {..containerID}');
    const podsBefore = await restarts();
    const { parts } = await status();
    const killed = ['containerd', 'kubelet', 'kube-scheduler', 'kube-proxy'];
    for (const name of killed) kill(parts[name] ?? 0, 'SIGKILL');
    while (killed.some((name) => isRunning(parts[name] ?? 0))) await sleep(20);
    const broken = await cluster('status').catch((error) => error);
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /kubelet does not run: npm run cluster -- up/);
    await cluster('up');
    const after = await status();
    for (const [name, pid] of Object.entries(parts)) {
      assert.notEqual(after.parts[name], null);
      assert.equal(after.parts[name] === pid, !killed.includes(name), name);
    }
    assert.equal(await restarts(), podsBefore);
  });

  test('opens no port but on 127.0.0.1 and the bridge', () => {
    const inodes = new Set(markedProcesses().flatMap(socketsOf));
    assert.ok(inodes.size > 10);
    const addresses = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
      readFileSync(`/proc/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        // 0A is LISTEN; an unconnected UDP socket shows 07.
        .filter(([, , , state, , , , , , inode]) => (state === '0A' || state === '07') && inodes.has(inode ?? ''))
        .map(([, local]) => local?.split(':')[0] ?? ''),
    );
    const hex = (address: string): string => Buffer.from(address.split('.').map(Number).reverse()).toString('hex').toUpperCase();
    const allowed = ['127.0.0.1', node.address].map(hex);
    assert.deepEqual(
      addresses.filter((address) => !allowed.includes(address)),
      [],
    );
  });

  test('a pod reaches names of the cluster and nothing beyond this machine', async () => {
    const connect = (host: string) =>
      kubectlLocal('exec', '-n', 'kourier-system', 'deploy/3scale-kourier-gateway', '--', 'busybox', 'nc', '-w', '3', host, '80');
    await connect('activator-service.knative-serving.svc.cluster.local');
    // A documentation network (RFC 5737): the rule refuses it at once, before anything is sent.
    await assert.rejects(connect('198.51.100.1'), /Connection refused/);
    await assert.rejects(connect('example.com'), /bad address/);
  });
});

/** Inodes of a process' sockets, as /proc/net's tables name them. */
function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (descriptor) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1] ?? [],
    );
  } catch {
    return []; // it has ended meanwhile
  }
}
