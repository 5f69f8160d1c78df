import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const script = join(import.meta.dirname, '../../scripts/cluster.ts');
const isRoot = process.getuid?.() === 0;

/** What is asked of a machine without a cluster; its state folder is empty and stays so. The deploy's own is in scripts/deploy/options.test.ts. */
describe('npm run cluster -- …, used badly', () => {
  const state = mkdtempSync(join(tmpdir(), 'record-platform-no-cluster-'));
  after(() => rmSync(state, { recursive: true, force: true }));

  const cluster = (args: readonly string[]) =>
    spawnSync(process.execPath, [script, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, KUBECONFIG: '', RECORD_PLATFORM_STATE: state },
    });

  test('help goes to stdout with exit 0', () => {
    const { status, stdout, stderr } = cluster(['--help']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^npm run cluster -- <command>/);
  });

  for (const { args, says } of [
    { args: [], says: /^A command is missing\./ },
    { args: ['start'], says: /^start is no command\./ },
    { args: ['up', 'now'], says: /^now is one word too many\./ },
    { args: ['up', '--fast'], says: /^Unknown option '--fast'/ },
    { args: ['status', '-o', 'yaml'], says: /^-o yaml is not known: -o json\./ },
    { args: ['logs'], says: /^logs takes one name\./ },
    { args: ['logs', 'kubelet', 'etcd'], says: /^logs takes one name\./ },
    { args: ['test', '--only'], says: /^Option '--only <value>' argument missing/ },
  ])
    test(`${args.join(' ') || 'nothing'} is wrong usage: exit 2, and the help on stderr`, () => {
      const { status, stdout, stderr } = cluster(args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
      assert.match(stderr, /\n\nnpm run cluster -- <command>/);
    });

  for (const { args, says } of [
    { args: ['status'], says: /^The local cluster does not run\.\nBring it up: npm run cluster -- up\n$/ },
    { args: ['status', '-o', 'json'], says: /^The local cluster does not run\.\nBring it up: npm run cluster -- up\n$/ },
    { args: ['logs', 'records-get-record'], says: /^The local cluster does not run\.\nBring it up: npm run cluster -- up\n$/ },
    { args: ['logs', 'kubelet'], says: /^kubelet has said nothing yet\.\nIs the cluster up\? npm run cluster -- up\n$/ },
    { args: ['test', 'knative/nowhere'], says: /^No cluster test is at knative\/nowhere\.\n/ },
  ])
    test(`${args.join(' ')} without a cluster says so with its remedy: exit 1`, () => {
      const { status, stdout, stderr } = cluster(args);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, says);
    });

  test('up names whoever has one of its ports, and changes nothing; without root it asks for root', async () => {
    const port = 10_257; // the controller manager's
    // Where a cluster runs on this machine, that one has it.
    const taker = createServer();
    await new Promise<void>((resolve) => taker.once('error', () => resolve()).listen(port, '127.0.0.1', resolve));
    try {
      const { status, stdout, stderr } = cluster(['up']);
      assert.deepEqual([status, stdout], [1, '']);
      if (!isRoot) assert.match(stderr, /^The cluster needs root .*: sudo -E npm run cluster -- /);
      else
        assert.match(
          stderr,
          new RegExp(
            `^Port ${port} \\(kube-controller-manager\\) is taken by process ${taker.listening ? process.pid : '\\d+'} \\(.*\\): end it$`,
            'm',
          ),
        );
      assert.deepEqual(readdirSync(state), []);
    } finally {
      taker.close();
    }
  });
});
