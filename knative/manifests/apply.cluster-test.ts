import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { checkEdge } from '../../scripts/deploy/check-edge.ts';
import { applyServices } from '../../scripts/deploy/functions.ts';
import { isFunction, podOf, renderOverlay } from './render.ts';
import { functionsNamespace } from './service.ts';
import { clusterEdge, readFile, type TestCluster, testCluster, withFolder } from './testing/cluster.ts';

describe('the manifests, on a real cluster', { timeout: 300_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await testCluster();
  });

  /** Knative makes a revision within a second of a change. */
  const settled = () => sleep(3000);

  for (const overlay of ['local', 'production'] as const)
    test(`the API server takes every object of ${overlay} in a dry run`, async () => {
      // Images are named by the deploy; what the server checks is the rest. A Job that ran can't be changed, so it gets another name.
      const manifests = (await renderOverlay([cluster.kubectl.program, 'kustomize'], overlay)).map((manifest) =>
        manifest.kind === 'Job' ? { ...manifest, metadata: { ...manifest.metadata, name: `${manifest.metadata.name}-dry-run` } } : manifest,
      );
      const said = [
        ...(await cluster.kubectl.apply(
          manifests.filter((each) => !isFunction(each)),
          { dryRun: true },
        )),
        ...(await applyServices(cluster.kubectl, manifests.filter(isFunction), { dryRun: true })),
      ];
      assert.equal(said.length, manifests.length);
      assert.ok(said.every((line) => line.endsWith('(server dry run)')));
    });

  test('kubectl and kn agree: each applies every file twice, in turns, and there is no new revision', async () => {
    const files = cluster.files();
    assert.ok(files.size > 10);
    const manifests = [...files.values()].map(readFile);
    const before = await cluster.revisions();
    for (const round of [1, 2, 3, 4]) {
      if (round % 2 === 1) await applyServices(cluster.kubectl, manifests);
      else for (const [name, file] of files) await cluster.kn('service', 'apply', name, '-f', file);
      await settled();
      assert.deepEqual(await cluster.revisions(), before, `after round ${round} (${round % 2 === 1 ? 'kubectl' : 'kn'})`);
    }
    for (const [name, file] of files) await cluster.kn('service', 'apply', name, '-f', file);
    for (const _ of [1, 2]) await applyServices(cluster.kubectl, manifests);
    // Now that kn's note is gone, kubectl alone does as well.
    await cluster.kubectl.apply(manifests);
    await settled();
    assert.deepEqual(await cluster.revisions(), before);
  });

  test('kn makes a function from its file alone, and applies it twice without a second revision', async () => {
    const source = readFile(cluster.files().get('records-health-check') ?? '');
    const name = 'by-kn';
    try {
      await withFolder(async (folder) => {
        const file = join(folder, `${name}.yaml`);
        writeFileSync(file, stringify({ ...source, metadata: { ...source.metadata, name } }));
        for (const _ of [1, 2]) await cluster.kn('service', 'apply', name, '-f', file, '--wait-timeout', '120');
      });
      await settled();
      const revisions = await cluster.kubectl.list('revision', functionsNamespace, `serving.knative.dev/service=${name}`);
      assert.equal(revisions.length, 1);
      assert.equal(podOf(source).containers[0].image, revisions[0]?.spec.containers[0].image);
    } finally {
      await cluster.kn('service', 'delete', name, '--wait').catch(() => {});
    }
  });

  test('a pod of a function has no token, no volume but what Knative needs, and runs as no root', async () => {
    // Something must run to be looked at.
    await checkEdge({ name: 'record.local', host: '127.0.0.1', port: 8443, ca: String(clusterEdge().ca) });
    const pods = await cluster.kubectl.list('pod', functionsNamespace);
    assert.ok(pods.length > 0, 'some function runs');
    for (const { metadata, spec } of pods) {
      assert.deepEqual(spec.volumes ?? [], [], metadata.name);
      for (const container of spec.containers) assert.equal(container.securityContext.runAsNonRoot, true, metadata.name);
    }
  });
});
