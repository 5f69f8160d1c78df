import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataNamespace } from '../../scripts/deploy/secrets.ts';
import { quick } from '../cluster/quick.ts';
import type { Manifest } from '../manifests/render.ts';
import { functionsNamespace } from '../manifests/service.ts';
import { type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { keepFigures } from './figures.ts';
import { anotherCommit, called, deploy } from './functions.ts';
import { assertNoneFailed, type Steady, steadyLoad } from './steady-load.ts';

/** A revision that has got no requests for 15 s ends its pods, which takes them half a minute. */
const untilOldOnesGoMs = 50_000;

describe('under load, a release', { timeout: 600_000 }, () => {
  let cluster: TestCluster;
  let steady: Steady;
  before(async () => {
    cluster = await testCluster();
    // What the work tree holds: what follows changes functions alone, and not the edge or PgBouncer.
    await deploy(cluster, '--unpin', ...called);
    await anotherCommit(cluster, called);
    steady = await steadyLoad();
  });
  after(() => steady?.close());

  /** Makes the cluster forget that the migrations have run. */
  async function forgetMigrations(): Promise<void> {
    for (const { metadata } of await cluster.kubectl.list('job', dataNamespace))
      await cluster.kubectl.run(['-n', dataNamespace, 'delete', 'job', metadata.name]);
  }

  const madeAt = ({ metadata }: Manifest): string => (metadata as { creationTimestamp?: string }).creationTimestamp ?? '';

  test('of four functions costs no request, and migrates before the first of them is touched', async (t) => {
    const before = await cluster.revisions();
    await forgetMigrations();
    const seen = await steady.during({}, async () => {
      await deploy(cluster, ...called);
      await sleep(quick ? 10_000 : untilOldOnesGoMs);
    });
    keepFigures(t, 'rollout', steady.capacity, seen);
    const migrated = (await cluster.kubectl.list('job', dataNamespace)).find(({ status }) => status?.succeeded);
    const now = await cluster.revisions();
    for (const name of called) {
      assert.notEqual(now.get(name), before.get(name), name);
      const revision = await cluster.kubectl.get('revision', now.get(name) ?? '', functionsNamespace);
      assert.ok(revision && migrated?.status.completionTime <= madeAt(revision), `${name} is later than the migrations`);
    }
    assertNoneFailed(seen, steady.capacity);
  });
});
