import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataNamespace } from '../../scripts/deploy/secrets.ts';
import { functionsNamespace } from '../manifests/service.ts';
import { type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { keepFigures } from './figures.ts';
import { called, replacePods, untilPods } from './functions.ts';
import { assertNoneFailed, type Steady, steadyLoad } from './steady-load.ts';

describe('under load, pods that go in order cost no request', { timeout: 1_200_000 }, () => {
  let cluster: TestCluster;
  let steady: Steady;
  before(async () => {
    cluster = await testCluster();
    steady = await steadyLoad();
  });
  after(() => steady?.close());

  async function during(t: TestContext, name: string, act: () => Promise<void>) {
    const seen = await steady.during({}, act);
    keepFigures(t, name, steady.capacity, seen);
    assertNoneFailed(seen, steady.capacity);
  }

  test('from four pods to one', async (t) => {
    const name = 'records-get-record';
    const revision = (await cluster.revisions()).get(name) ?? '';
    // Of the revision and not of the Service, which would make a new one.
    const atLeast = (pods: number) =>
      cluster.kubectl.run([
        ...['-n', functionsNamespace, 'annotate', 'revision', revision, '--overwrite'],
        `autoscaling.knative.dev/min-scale=${pods}`,
      ]);
    await atLeast(4);
    await untilPods(cluster, name, 60, (pods) => pods.filter(({ ready, ending }) => ready && !ending).length >= 4);
    try {
      await during(t, 'scale-down', async () => {
        await atLeast(0);
        const pods = await untilPods(cluster, name, 180, (all) => all.length === 1);
        assert.equal(pods[0]?.ready, true);
      });
    } finally {
      await atLeast(0);
    }
  });

  test('the only pod of each function deleted', async (t) => {
    await during(t, 'pod-deleted', async () => {
      for (const name of called) await replacePods(cluster, name);
      await sleep(35_000); // the old ones take requests for 30 s more, and end
    });
  });

  test('PgBouncer rolled out: the old one serves until its last client has left', async (t) => {
    const pgbouncers = () => cluster.kubectl.list('pod', dataNamespace, 'app.kubernetes.io/name=pgbouncer');
    const old = (await pgbouncers()).map(({ metadata }) => metadata.name);
    const began = performance.now();
    await during(t, 'pgbouncer-rollout', async () => {
      await cluster.kubectl.run(['-n', dataNamespace, 'rollout', 'restart', 'deployment/pgbouncer']);
      await cluster.kubectl.run(['-n', dataNamespace, 'rollout', 'status', 'deployment/pgbouncer', '--timeout=120s']);
      while ((await pgbouncers()).some(({ metadata }) => old.includes(metadata.name))) {
        assert.ok(performance.now() - began < 240_000, 'the old one has gone');
        await sleep(1000);
      }
      t.diagnostic(`the old one was gone after ${Math.round((performance.now() - began) / 1000)} s`);
    });
  });
});
