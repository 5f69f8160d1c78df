import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { dataNamespace } from '../../scripts/deploy/secrets.ts';
import '../cluster/quick.ts';
import { localKubeconfig } from '../cluster/state.ts';
import { podOf } from '../manifests/render.ts';
import { type Ended, type TestCluster, testCluster, withFolder } from '../manifests/testing/cluster.ts';

const script = (name: string) => join(import.meta.dirname, '../../scripts', name);

/** What needs a cluster, or the real kubectl, to go wrong. More of it: scripts/deploy/options.test.ts, manifests/deploy.cluster-test.ts. */
describe('bad use says what to do, on a real cluster', { timeout: 300_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await testCluster();
  });

  const run = (command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ended> =>
    promisify(execFile)(process.execPath, [script(command), ...args], { env: { ...process.env, ...environment } }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
    );

  test('an unreachable cluster: the deploy says which one it means, and touches none', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'kubeconfig');
      const named = { name: 'gone' };
      writeFileSync(
        file,
        stringify({
          apiVersion: 'v1',
          kind: 'Config',
          clusters: [{ ...named, cluster: { server: 'https://127.0.0.1:1' } }],
          contexts: [{ ...named, context: { cluster: 'gone', user: 'gone' } }],
          users: [{ ...named, user: {} }],
          'current-context': 'gone',
        }),
      );
      const { code, stdout, stderr } = await run('deploy.ts', [], { KUBECONFIG: file });
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /^The cluster cannot be reached: /);
      assert.ok(stderr.includes(`Is it up, and is it the one that KUBECONFIG means (${file})?`), stderr);
    }));

  test('a KUBECONFIG that isn’t there is no cluster either', async () => {
    const { code, stdout, stderr } = await run('deploy.ts', [], { KUBECONFIG: '/nonexistent/kubeconfig' });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^The cluster cannot be reached: /);
    assert.match(stderr, /KUBECONFIG means \(\/nonexistent\/kubeconfig\)/);
  });

  test('another cluster without a registry: it can’t have the images', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'kubeconfig');
      copyFileSync(localKubeconfig(), file);
      const { code, stdout, stderr } = await run('deploy.ts', [], { KUBECONFIG: file });
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(
        stderr,
        /^This cluster is not on this machine: it takes images from a registry\.\nnpm run deploy -- --push REGISTRY\/PATH\n$/,
      );
    }));

  test('logs of something that isn’t there: it lists what is', async () => {
    const { code, stdout, stderr } = await run('cluster.ts', ['logs', 'records-get-recrd'], { KUBECONFIG: '' });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /records-get-recrd/);
    assert.match(stderr, /postgres-0/);
  });

  test('migrations that are pending because their image is missing: said within a minute, and no code is deployed', async () => {
    const { renderOverlay } = await import('../manifests/render.ts');
    const { runMigrations } = await import('../../scripts/deploy/platform.ts');
    const job = (await renderOverlay([cluster.kubectl.program, 'kustomize'], 'local')).find(({ kind }) => kind === 'Job') ?? assert.fail();
    job.metadata.name = 'migrate-pending';
    podOf(job).containers[0].image = 'dev.local/record-platform/nowhere:000000000000';
    podOf(job).containers[0].imagePullPolicy = 'Never';
    const began = performance.now();
    try {
      await assert.rejects(
        runMigrations(cluster.kubectl, job),
        /The migrations did not run, so no new code was deployed[\s\S]*Their pod is pending\. ErrImage\w*: .*nowhere/,
      );
    } finally {
      await cluster.kubectl.run(['-n', dataNamespace, 'delete', 'job', job.metadata.name, '--ignore-not-found']);
    }
    assert.ok(performance.now() - began < 60_000);
  });
});
